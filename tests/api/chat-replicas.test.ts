import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyChatEvent } from '../../shared/apply-chat-event'
import { Conversation } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import type { Message } from '../../shared/messages'
import { ProjectPage } from '../../shared/projects'
import { ChatClient, textOf } from '../support/chat-client'
import { createPostgresDatabase, testDatabaseKind } from '../support/database'
import { followChanges } from '../support/follow-changes'
import type { LoomServer } from '../support/loom-server'
import { startLoomServer } from '../support/loom-server'
import { mockModel } from '../support/mock-upstream/behaviour'
import { startMockUpstream } from '../support/mock-upstream'
import type { MockUpstream } from '../support/mock-upstream'
import { setUpLoom } from '../support/set-up-loom'
import type { Session } from '../support/set-up-loom'
import { until } from '../support/until'

describe.runIf(testDatabaseKind === 'postgres')('two replicas on one database', () => {
  let database: { url: string, drop: () => Promise<void> }
  let upstream: MockUpstream
  let replicas: [LoomServer, LoomServer]
  let writing: ChatClient
  let watching: ChatClient
  let env: Record<string, string>
  let session: Session

  beforeAll(async () => {
    database = await createPostgresDatabase()
    upstream = await startMockUpstream()
    env = {
      DATABASE_URL: database.url, OPENAI_API_KEY: 'sk-mock', OPENAI_BASE_URL: upstream.baseUrl, REPLICA_TIMEOUT_MS: '6000',
      ENCRYPTION_MASTER_KEY: 'ab'.repeat(32), AUTH_SECRET: 'one secret for all of the replicas'
    }
    replicas = [await startLoomServer({ env }), await startLoomServer({ env })]
    session = await setUpLoom(replicas[0])
    writing = new ChatClient(replicas[0], session)
    watching = new ChatClient(replicas[1], session)
  })
  afterAll(async () => {
    await Promise.all(replicas.map(replica => replica.remove()))
    await upstream.stop()
    await database.drop()
  })

  /** A conversation whose answer the first replica writes and nobody reads. */
  async function beginAnswer(chunks: number, chunkIntervalMs = 40): Promise<string> {
    const { projects } = ProjectPage.parse(await writing.get('/projects'))
    const { id } = Conversation.parse(await writing.post(`/projects/${projects[0]?.id}/conversations`, { model: `openai/${mockModel({ chunks, chunkIntervalMs })}` }))
    for await (const { event } of writing.events('POST', `/conversations/${id}/messages`, { text: 'Tell me much.' })) if (event.type === 'delta') break
    return id
  }
  const lastMessage = async (client: ChatClient, id: string) => MessagePage.parse(await client.get(`/conversations/${id}/messages`)).messages.at(-1)

  test('an answer that one writes is followed on the other to its end', async () => {
    const id = await beginAnswer(150)
    const { events, message } = await watching.readAll('GET', `/conversations/${id}/stream`)
    expect(events[0]?.event.type).toBe('snapshot')
    expect(events.filter(({ event }) => event.type === 'delta').length).toBeGreaterThan(10)
    expect(events.map(event => event.id)).toEqual(events.map((_, index) => (events[0]?.id ?? 0) + index))
    expect(message).toMatchObject({ status: 'complete' })
    expect(textOf(message)).toHaveLength(150 * 8)
  })

  test('who looks at a project on the other is told that one writes an answer, and that they have seen it', async () => {
    const { projects: [project] } = ProjectPage.parse(await writing.get('/projects'))
    const feed = await followChanges(watching, project?.id ?? '')
    const id = await beginAnswer(150)
    await feed.until(change => change.type === 'conversation' && change.conversation.id === id && change.conversation.runningMessageId !== null)
    await feed.until(change => change.type === 'conversation' && change.conversation.id === id && change.conversation.runningMessageId === null)
    await writing.call('PUT', `/conversations/${id}/seen`)
    await feed.until(change => change.type === 'seen' && change.conversationId === id)
    feed.leave()
  })

  test('a replica that stops does not wait for who follows what another one writes', async () => {
    const id = await beginAnswer(2_000)
    const third = await startLoomServer({ env })
    try {
      const events = new ChatClient(third, session).events('GET', `/conversations/${id}/stream`)
      expect(await events.next()).toMatchObject({ value: { event: { type: 'snapshot' } } })
      const [stopped, next] = [third.stop(), () => events.next()]
      while (!(await next()).done);
      await stopped
      expect(await lastMessage(watching, id)).toMatchObject({ status: 'streaming' })
      await watching.post(`/conversations/${id}/stop`)
    } finally {
      await third.remove()
    }
  })

  test('an answer that was followed on one is taken up on the other after the last event seen', async () => {
    const id = await beginAnswer(150)
    const seen = []
    for await (const item of writing.events('GET', `/conversations/${id}/stream`)) {
      seen.push(item)
      if (seen.length === 15) break
    }
    const { events, message } = await watching.readAll('GET', `/conversations/${id}/stream?after=${seen.at(-1)?.id}`)
    expect(events[0]?.id).toBe((seen.at(-1)?.id ?? 0) + 1)
    const whole = [...seen, ...events].slice(0, -1).reduce<Message | undefined>((folded, { event }) => applyChatEvent(folded, event), undefined)
    expect(textOf(message)).toHaveLength(150 * 8)
    expect(textOf(message).startsWith(textOf(whole))).toBe(true)
  })

  test('an answer that one writes is stopped on the other', async () => {
    const id = await beginAnswer(2_000)
    expect(await watching.call('POST', `/conversations/${id}/messages`, { text: 'Me too' })).toMatchObject({ status: 409 })
    expect(await watching.post(`/conversations/${id}/stop`)).toEqual({ stopped: true })
    expect(await until(async () => settled(await lastMessage(watching, id)))).toMatchObject({ status: 'aborted' })
  })

  test('an answer survives the loss of every connection to the database', async () => {
    const id = await beginAnswer(200, 10)
    const administrator = postgres(database.url, { max: 1 })
    await administrator`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
    await administrator.end()
    const answer = await until(async () => {
      const read = await writing.call('GET', `/conversations/${id}/messages`)
      return read.status === 200 && settled(MessagePage.parse(read.body).messages.at(-1))
    })
    expect(answer).toMatchObject({ status: 'complete' })
    expect(textOf(answer)).toHaveLength(200 * 8)
  })

  test('an answer of a replica that died is settled by the other', async () => {
    const id = await beginAnswer(2_000)
    await until(async () => textOf(await lastMessage(watching, id)) !== '')
    const following = watching.readAll('GET', `/conversations/${id}/stream`)
    await replicas[0].kill9()
    const { message } = await following
    expect(message).toMatchObject({ status: 'error', error: { code: 'interrupted' } })
    expect(textOf(message)).not.toBe('')
    expect(await lastMessage(watching, id)).toEqual(message)
  })
})

function settled(message: Message | undefined): Message | undefined {
  return message?.status === 'pending' || message?.status === 'streaming' ? undefined : message
}

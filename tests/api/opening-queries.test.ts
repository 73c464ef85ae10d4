import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Conversation } from '../../shared/conversations'
import { startChatWorkbench, leaveAfter, mock, newConversation, quickModel, readMessages } from '../support/chat-workbench'
import type { ChatWorkbench } from '../support/chat-workbench'
import { countStatements } from '../support/count-statements'
import { testDatabaseKind } from '../support/database'
import { startPostgres } from '../support/postgres'
import type { PostgresServer } from '../support/postgres'

const runIf = test.runIf(testDatabaseKind === 'postgres')
let database: PostgresServer | undefined
let bench: ChatWorkbench

beforeAll(async () => {
  if (testDatabaseKind !== 'postgres') return
  // One of its own: what others ask of it would be counted, too.
  database = await startPostgres()
  if (!database) throw new Error('PostgreSQL is not installed')
  bench = await startChatWorkbench({ DATABASE_URL: await database.createDatabase('loom') })
})
afterAll(async () => {
  await bench?.remove()
  await database?.stop()
})

async function countOpening(conversation: Conversation, query = ''): Promise<string[]> {
  if (!database) throw new Error('There is no database')
  const statements = await countStatements(database, async () => {
    await bench.ada.get(`/conversations/${conversation.id}/messages${query}`)
  })
  return [...statements].flatMap(([statement, count]) => Array.from({ length: count }, () => statement))
}

runIf('a conversation opens with three queries: whose session it is, itself, its messages with their parts', async () => {
  const conversation = await newConversation(bench.ada, quickModel)
  await bench.ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
  await bench.ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'And then?' })
  expect((await readMessages(bench.ada, conversation)).map(({ parts }) => parts.length)).toEqual([1, 1, 1, 1])
  expect(await countOpening(conversation)).toHaveLength(3)
  const [first] = await readMessages(bench.ada, conversation)
  expect(await countOpening(conversation, `?through=${first?.id}`), 'likewise on the branch through one of them').toHaveLength(3)
})

runIf('so does one whose answer is being written', async () => {
  // It says half of its words and stops, so that nothing is written down meanwhile.
  const conversation = await newConversation(bench.ada, mock({ text: 'Half of it, and no more', chunks: 20, fault: 'stalls' }))
  await leaveAfter(bench.ada, conversation, message => message.parts.length > 0)
  expect(await countOpening(conversation)).toHaveLength(3)
  expect((await readMessages(bench.ada, conversation)).at(-1)).toMatchObject({ status: 'streaming', parts: [{ type: 'text', text: expect.stringContaining('Half') }] })
})

/** How often the server reads a list of each of `tables` while it draws the page. */
async function countReads(path: string, ...tables: string[]): Promise<Record<string, Set<number>>> {
  if (!database) throw new Error('There is no database')
  const statements = await countStatements(database, async () => {
    const response = await fetch(bench.loom.url + path, { headers: { cookie: bench.session.cookie } })
    expect(response.status, await response.text()).toBe(200)
  })
  const timesOf = (table: string) => new Set([...statements].filter(([statement]) => statement.includes(`from "${table}"`) && statement.includes('order by')).map(([, count]) => count))
  return Object.fromEntries(tables.map(table => [table, timesOf(table)]))
}

runIf('its page reads the project and its conversations once, in however many places it shows them', async () => {
  const { id, projectId } = await newConversation(bench.ada, quickModel)
  expect(await countReads(`/projects/${projectId}/c/${id}`, 'conversations', 'projects')).toEqual({ conversations: new Set([1]), projects: new Set([1]) })
})

runIf('the dashboard reads the connections once for its list of routes and for the dialog that makes one', async () => {
  expect(await countReads('/dashboard/models', 'provider_connections')).toEqual({ provider_connections: new Set([1]) })
})

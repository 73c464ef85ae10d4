import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CreatedApiKey } from '../../shared/keys'
import type { Policy } from '../../shared/policy'
import { TemporaryEvent } from '../../shared/temporary-chat'
import { ChatClient, textOf } from '../support/chat-client'
import { newConversation, quickModel, startChatWorkbench } from '../support/chat-workbench'
import type { ChatWorkbench } from '../support/chat-workbench'
import { until } from '../support/until'

const inside = { 'x-forwarded-for': '192.0.2.7' }
const outside = { 'x-forwarded-for': '198.51.100.7' }
const ranges = ['192.0.2.0/24']

let workbench: ChatWorkbench
let ada: ChatClient

beforeAll(async () => {
  // What the tests say of their address is believed.
  workbench = await startChatWorkbench({ TRUSTED_PROXIES: '127.0.0.0/8,::1' })
  ada = workbench.ada
})
afterAll(() => workbench?.remove())

/** One answer of each way to chat that somebody has, asked from there: its text, or what it was refused with. */
async function answers(client: ChatClient, conversation: { id: string, projectId: string }, from: Record<string, string>) {
  const kept = await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' }, from)
  const temporary = await client.fetch('POST', `/projects/${conversation.projectId}/temporary`, { model: quickModel, messages: [{ role: 'user', text: 'Hello' }] }, undefined, from)
  const events = (await temporary.text()).split('\n').filter(line => line.startsWith('data: ')).map(line => TemporaryEvent.parse(JSON.parse(line.slice('data: '.length))))
  const end = events.flatMap(event => event.type === 'end' ? [event.error?.message ?? 'answered'] : [])
  const trial = await client.call('POST', '/models/try', { model: quickModel, prompt: 'Hello' }, from)
  return { kept: kept.message?.error?.message ?? textOf(kept.message), temporary: end.join(''), trial: trial.body }
}

const refused = (whose: string) => `Calls with ${whose} may not come from your address.`

describe.each<[string, (policy: Policy, projectId: string) => Promise<unknown>]>([
  ['this project', (policy, projectId) => ada.call('PATCH', `/projects/${projectId}`, { policy })],
  ['your organisation', policy => ada.call('PUT', '/orgs/current/policy', { policy })],
  ['this installation', policy => ada.call('PUT', '/platform/policy', { policy })]
])('an address list of %s', (whose, setPolicy) => {
  test('lets people chat from within, in the browser or by a key, and tells those outside', async () => {
    const conversation = await newConversation(ada, quickModel)
    const { key } = CreatedApiKey.parse(await ada.post('/keys', { name: 'Here', projectId: conversation.projectId, scopes: ['workspace', 'inference'], limits: { allowedIps: ranges } }))
    const holder = new ChatClient(workbench.loom, { authorization: `Bearer ${key}` })
    try {
      await setPolicy({ allowedIps: ranges }, conversation.projectId)
      const shut = await until(async () => {
        const { kept, temporary, trial } = await answers(ada, conversation, outside)
        return kept === 'Fine.' ? undefined : { kept, temporary, trial }
      }, { what: () => 'the policy to be heeded' })
      const told = refused(whose)
      expect(shut).toMatchObject({ kept: told, temporary: told })
      // Tried in no project, which a project's rules do not reach.
      if (whose !== 'this project') expect(shut.trial).toMatchObject({ error: { code: 'forbidden', message: told } })
      expect(await answers(ada, conversation, inside)).toMatchObject({ kept: 'Fine.', temporary: 'answered', trial: { text: 'Fine.', error: null } })
      expect(await answers(holder, conversation, inside)).toMatchObject({ kept: 'Fine.', temporary: 'answered', trial: { text: 'Fine.', error: null } })
      expect((await holder.call('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' }, outside)).status).toBe(401)
    } finally {
      await setPolicy({}, conversation.projectId)
    }
  })
})

import { expect, test } from 'vitest'
import { withEarlier } from '../../../server/gateway/operations/earlier-items'
import { newId } from '../../../server/gateway/operations/response-ids'
import { isReference } from '../../../server/gateway/operations/responses-body'

const callId = '01890a5d-ac96-774b-bcce-b302099a8057'
const message = (role: string, content: string) => ({ type: 'message', role, content })

test.each([{ type: 'item_reference' }, { type: null }, {}])('an item is named by its id, whether its type is told or not: %j', async (type) => {
  const id = newId('msg', callId)
  const find = () => Promise.resolve(new Map([[callId, { request: undefined, response: { id: newId('resp', callId), output: [{ id, ...message('assistant', 'Hello') }] } }]]))
  expect(await withEarlier({ model: 'm', input: [{ ...type, id }] }, { find })).toEqual({ model: 'm', input: [message('assistant', 'Hello')] })
  // OpenAI's own reads more than is in the body.
  expect(isReference({ ...type, id: 'msg_68a1b2c3' })).toBe(true)
})

test('a message with an id names no other', async () => {
  const said = { id: newId('msg', callId), role: 'assistant', content: 'Hello' }
  const body = { model: 'm', input: [said] }
  expect(await withEarlier(body, { find: () => Promise.reject(new Error('nothing is looked for')) })).toBe(body)
})

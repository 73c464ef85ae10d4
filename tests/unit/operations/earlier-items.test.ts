import { describe, expect, test } from 'vitest'
import { withEarlier, withoutToldThoughts } from '../../../server/gateway/operations/earlier-items'
import { newId } from '../../../server/gateway/operations/response-ids'
import { isReference } from '../../../server/gateway/operations/responses-body'

const callId = '01890a5d-ac96-774b-bcce-b302099a8057'
const message = (role: string, content: string) => ({ type: 'message', role, content })

/** A chain of answers, the oldest first: each was asked `values` times, and goes on from the one before. */
function chain(length: number, values = 1) {
  const ids = Array.from({ length }, () => newId('resp', callId))
  let asked = 0
  const find = () => {
    const turn = length - ++asked
    return Promise.resolve(new Map([[callId, {
      request: { model: 'm', input: Array.from({ length: values }, () => message('user', `Question ${turn}`)), previous_response_id: ids[turn - 1] },
      response: { id: ids[turn], output: [{ id: 'rs_1', type: 'reasoning' }, { id: 'msg_1', ...message('assistant', `Answer ${turn}`) }] }
    }]]))
  }
  return { body: { model: 'm', input: 'And?', previous_response_id: ids.at(-1) }, calls: { find }, asked: () => asked }
}

describe('a chain of answers', () => {
  test('is told from its beginning', async () => {
    const { body, calls } = chain(3)
    expect(await withEarlier(body, calls)).toEqual({ model: 'm', input: [
      ...[0, 1, 2].flatMap(turn => [message('user', `Question ${turn}`), { id: 'rs_1', type: 'reasoning' }, message('assistant', `Answer ${turn}`)]), message('user', 'And?')
    ] })
  })

  test('is left as soon as it has more values than a body may have', async () => {
    const { body, calls, asked } = chain(90, 10_000)
    await expect(withEarlier(body, calls)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('100,000 values') })
    expect(asked()).toBe(3)
  })

  test('goes back over a hundred and no more', async () => {
    const [hundred, more] = [chain(100), chain(101)]
    expect((await withEarlier(hundred.body, hundred.calls)).input).toHaveLength(301)
    await expect(withEarlier(more.body, more.calls)).rejects.toMatchObject({ param: 'previous_response_id' })
    expect(more.asked()).toBe(100)
  })
})

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

test('what we told of a model\'s thoughts can be left out, for most cannot be asked to read on from it; what a provider has sealed stays', () => {
  const kept = [{ type: 'reasoning', id: 'rs_68a1b2c3', summary: [] }, { type: 'reasoning', id: newId('rs', callId), summary: [], encrypted_content: 'gAAAA' }, message('user', 'And?')]
  const body = { model: 'm', input: kept }
  expect(withoutToldThoughts({ model: 'm', input: [{ type: 'reasoning', id: newId('rs', callId), summary: [] }, ...kept] })).toEqual(body)
  expect(withoutToldThoughts(body)).toBe(body)
})

test('a thought is named by its id, which it keeps; one that is not kept is left out', async () => {
  const [thought, lost] = [{ id: newId('rs', callId), type: 'reasoning', summary: [] }, newId('rs', callId)]
  const find = () => Promise.resolve(new Map([[callId, { request: undefined, response: { id: newId('resp', callId), output: [thought] } }]]))
  expect(await withEarlier({ model: 'm', input: [{ type: 'item_reference', id: thought.id }, { type: 'item_reference', id: lost }] }, { find })).toEqual({ model: 'm', input: [thought] })
})

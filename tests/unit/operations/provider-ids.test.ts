import { expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { idsGiven, idsNamed, idsNeeded, idsSealed } from '../../../server/gateway/operations/provider-ids'
import { newId } from '../../../server/gateway/operations/response-ids'

const output = [{ type: 'reasoning', id: 'rs_1' }, { type: 'web_search_call', id: 'ws_1' }, { type: 'message', id: 'msg_1' }, { type: 'function_call', id: 'fc_1' }, { type: 'function_call' }]

test('an answer gives its own id, and those of its items', () => {
  expect(idsGiven({ id: 'resp_1', output })).toEqual(['resp_1', 'rs_1', 'ws_1', 'msg_1', 'fc_1'])
})

test('one that is not stored, those that can be named all the same', () => {
  expect(idsGiven({ id: 'resp_1', store: false, output })).toEqual(['rs_1', 'ws_1'])
})

test('one that we wrote, or that is none, gives nothing', () => {
  expect(idsGiven({ id: newId('resp', uuidv7()), output })).toEqual([])
  for (const none of [undefined, {}, { id: 7, output }, { id: 'resp_1', output: 'Hello' }]) expect(idsGiven(none)).toEqual([])
})

test('a request names whatever has an id, but for what its provider has sealed', () => {
  const input = [...output, { type: 'reasoning', id: 'rs_2', encrypted_content: 'gAAAA' }, { id: 'msg_2' }, { type: 'item_reference', id: 'msg_3', encrypted_content: 'gAAAA' }, { role: 'user', content: 'Hi' }]
  expect(idsNamed({ model: 'm', input, previous_response_id: 'resp_1', conversation: { id: 'conv_1' } })).toEqual(['resp_1', 'conv_1', 'rs_1', 'ws_1', 'msg_1', 'fc_1', 'msg_2', 'msg_3'])
  expect(idsNamed({ model: 'm', input: 'Hi', previous_response_id: null, conversation: null })).toEqual([])
})

test('of those, it needs what is not in it', () => {
  const input = [...output, { type: 'reasoning', id: 'rs_2', encrypted_content: 'gAAAA' }, { id: 'msg_2' }, { type: 'item_reference', id: 'msg_3' }, { id: 'msg_4', role: 'user', content: 'Hi' }]
  expect(idsNeeded({ model: 'm', input, previous_response_id: 'resp_1', conversation: 'conv_1' })).toEqual(['resp_1', 'conv_1', 'rs_1', 'ws_1', 'msg_2', 'msg_3'])
  expect(idsNeeded({ model: 'm', input: 'Hi', previous_response_id: '' })).toEqual([])
})

test('and apart from them, those of what its provider has sealed', () => {
  const input = [...output, { type: 'reasoning', id: 'rs_2', encrypted_content: 'gAAAA' }, { type: 'reasoning', encrypted_content: 'gAAAA' }, { type: 'compaction', id: 'cmp_1', encrypted_content: 'gAAAA' }, { type: 'message', id: 'msg_2', encrypted_content: 'gAAAA' }]
  expect(idsSealed({ model: 'm', input, previous_response_id: 'resp_1' })).toEqual(['rs_2', 'cmp_1'])
  expect(idsSealed({ model: 'm', input: 'Hi' })).toEqual([])
})

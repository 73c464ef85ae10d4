import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { chatCompletions, parseChatRequest } from '../../../server/gateway/operations/chat-completions'
import { completions } from '../../../server/gateway/operations/completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { newId } from '../../../server/gateway/operations/response-ids'
import { responses } from '../../../server/gateway/operations/responses'
import { attempt, chatTarget, parseCall } from '../../support/operation-calls'
import { connectionOf } from '../../support/provider-calls'

const said = [{ role: 'user', content: 'Hello' }]
const tuned = { temperature: 0, top_p: 0.9 }
const penalties = { presence_penalty: 1, frequency_penalty: 1 }

/** What a model is asked in chat completions. */
async function askedFor(operation: Operation, rest: object, options?: Parameters<typeof chatTarget>[1]): Promise<Record<string, unknown>> {
  const { target, asked } = chatTarget(JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }), options)
  await attempt(parseCall(operation, { model: 'm', ...rest }), target)
  return asked[0] ?? {}
}

describe.each<[Operation, Record<string, unknown>]>([
  [messages, { max_tokens: 10, messages: said, ...tuned }],
  [responses, { input: 'Hello', ...tuned }],
  [completions, { prompt: 'Hello', ...tuned, ...penalties }]
])('$name over chat completions', (operation, body) => {
  test.each(['gpt-5', 'gpt-5.1-chat-latest', 'gpt-5.6-sol', 'o1', 'o4-mini-2025-04-16'])('says nothing to %s of how to choose words, which it refuses while it reasons', async (serves) => {
    const asked = await askedFor(operation, body, { kind: 'azure', model: 'deployment', serves })
    for (const field of Object.keys({ ...tuned, ...penalties })) expect(asked).not.toHaveProperty(field)
  })

  test.each(['gpt-5-chat-latest', 'gpt-4.1', 'gpt-5.2', 'gpt-5.4-mini'])('says it to %s, which does not reason unless it is asked to', async (model) => {
    expect(await askedFor(operation, body, { kind: 'openai', model })).toMatchObject(tuned)
  })

  test('says it to who passes the call on', async () => {
    expect(await askedFor(operation, body, { model: 'openai/gpt-5' })).toMatchObject(tuned)
  })
})

describe('the limit of a chat\'s answer', () => {
  const limits = async (limit: object, options: Parameters<typeof chatTarget>[1]) => {
    const { max_tokens: older, max_completion_tokens: newer } = await askedFor(chatCompletions, { messages: said, ...limit }, options)
    return { ...older !== undefined && { max_tokens: older }, ...newer !== undefined && { max_completion_tokens: newer } }
  }
  const [older, newer] = [{ max_tokens: 50 }, { max_completion_tokens: 50 }]

  test('goes under the name that its server obeys, where it has the other alone', async () => {
    for (const limit of [older, newer]) {
      expect(await limits(limit, { model: 'deepseek-chat' })).toEqual(older)
      expect(await limits(limit, { kind: 'openai', model: 'gpt-5-mini' })).toEqual(newer)
      expect(await limits(limit, { kind: 'azure', model: 'deployment', serves: 'o3' })).toEqual(newer)
    }
  })

  test('and as it came where either is obeyed, both are given, or the server passes it on', async () => {
    for (const limit of [older, newer, { ...older, max_completion_tokens: 60 }]) expect(await limits(limit, { kind: 'openai', model: 'gpt-4o' })).toEqual(limit)
    for (const model of ['openai/o3', 'azure-gpt-5', 'openai.gpt-5.1']) expect(await limits(newer, { model })).toEqual(newer)
    expect(await limits({ ...older, max_completion_tokens: 60 }, { model: 'deepseek-chat' })).toEqual({ ...older, max_completion_tokens: 60 })
    for (const limit of [older, newer]) expect(await limits(limit, { model: 'openai/gpt-5' })).toEqual(limit)
  })

  test('is no more than the model can write, where the chat is translated', async () => {
    const { target, asked } = chatTarget('', { kind: 'google', model: 'gemini-2.5-flash' })
    for (const asks of [200_000, 60_000]) await attempt(parseCall(chatCompletions, { model: 'm', messages: said, max_tokens: asks }), { ...target, maxOutputTokens: 65_536 })
    expect(asked).toMatchObject([{ max_completion_tokens: 65_536 }, { max_tokens: 60_000 }])
  })
})

describe('instructions in several places', () => {
  const message = (role: string, content: string) => ({ role, content })
  const body = { max_tokens: 10, system: 'Be brief.', messages: [...said, message('assistant', 'Hi'), message('system', 'Be kind.'), message('user', 'Go on')] }
  const input = { instructions: 'Be brief.', input: [message('developer', 'Be kind.'), ...said] }
  const roles = ({ messages: sent }: Record<string, unknown>) => Array.isArray(sent) ? sent.map(({ role }) => String(role)) : []

  test('are one message at the beginning, and the user\'s after that, at servers of one\'s own', async () => {
    const asked = await askedFor(messages, body, { model: 'qwen3' })
    expect(asked.messages).toEqual([message('system', 'Be brief.'), ...said, message('assistant', 'Hi'), message('user', 'Be kind.'), message('user', 'Go on')])
    expect((await askedFor(responses, input, { model: 'qwen3' })).messages).toEqual([message('system', 'Be brief.\n\nBe kind.'), ...said])
    expect((await askedFor(messages, { ...body, system: undefined, messages: said }, { model: 'qwen3' })).messages).toEqual(said)
  })

  test('and where they are at OpenAI', async () => {
    expect(roles(await askedFor(messages, body, { kind: 'openai', model: 'gpt-4o' }))).toEqual(['system', 'user', 'assistant', 'system', 'user'])
    expect(roles(await askedFor(responses, input, { kind: 'openai', model: 'gpt-4o' }))).toEqual(['system', 'system', 'user'])
  })
})

test('a model that is told not to reason is told how to choose words', async () => {
  expect(await askedFor(responses, { input: 'Hello', ...tuned, reasoning: { effort: 'none' } }, { kind: 'azure', model: 'gpt-5.1' })).toMatchObject(tuned)
})

describe.each<[Operation, Record<string, unknown>, string]>([
  [messages, { max_tokens: 10, messages: said }, 'stop_sequences'],
  [completions, { prompt: 'Hello' }, 'stop']
])('where to stop, in $name', (operation, body, param) => {
  test.each(['gpt-5', 'gpt-5-mini-2025-08-07', 'gpt-5.2', 'o3', 'o4-mini'])('is refused by its name at %s, which takes none', async (model) => {
    await expect(askedFor(operation, { ...body, [param]: ['END'] }, { kind: 'openai', model })).rejects.toMatchObject({ code: 'invalid_request', param })
    expect(await askedFor(operation, { ...body, [param]: [] }, { kind: 'openai', model })).not.toHaveProperty('stop', ['END'])
  })

  test.each(['gpt-4o', 'o3-mini', 'gpt-5-chat-latest', 'gpt-5.5'])('is said to %s', async (model) => {
    expect(await askedFor(operation, { ...body, [param]: ['END'] }, { kind: 'openai', model })).toMatchObject({ stop: ['END'] })
  })

  test('is refused at OpenAI in more places than it takes', async () => {
    const stops = ['a', 'b', 'c', 'd', 'e']
    await expect(askedFor(operation, { ...body, [param]: stops }, { kind: 'openai', model: 'gpt-4o' })).rejects.toMatchObject({ code: 'invalid_request', param })
    expect(await askedFor(operation, { ...body, [param]: stops.slice(1) }, { kind: 'openai', model: 'gpt-4o' })).toMatchObject({ stop: stops.slice(1) })
    expect(await askedFor(operation, { ...body, [param]: stops })).toMatchObject({ stop: stops })
  })
})

test.each<[Operation, Record<string, unknown>]>([
  [chatCompletions, { messages: said }], [messages, { max_tokens: 10, messages: said }], [completions, { prompt: 'Hello' }]
])('a model that speaks the Responses API alone says so in a call of $name', async (operation, body) => {
  for (const options of [{ kind: 'openai', model: 'gpt-5-codex' }, { kind: 'azure', model: 'coder', serves: 'gpt-5.1-codex' }] as const) {
    await expect(askedFor(operation, body, options)).rejects.toMatchObject({ code: 'invalid_request', param: 'model', message: expect.stringContaining('/v1/responses') })
  }
  expect(await askedFor(operation, body, { model: 'gpt-5-codex' })).toMatchObject({ model: 'gpt-5-codex' })
})

const found = { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'find', arguments: '{}' } }] }
const tools = [{ name: 'find', input_schema: { type: 'object' } }]

/** What a model is asked in a chat of Loom's own. */
async function askedForOurs(body: object, options: Parameters<typeof chatTarget>[1]): Promise<Record<string, unknown>> {
  const { target, asked } = chatTarget('', options)
  await attempt(parseChatRequest(Buffer.from(JSON.stringify({ model: 'm', stream: true, ...body })), () => {}), target)
  return asked[0] ?? {}
}

describe('tools beside an effort', () => {
  const chatTools = [{ type: 'function', function: { name: 'find', parameters: { type: 'object' } } }]
  const body = { max_tokens: 32_000, messages: said, temperature: 0.5, thinking: { type: 'enabled', budget_tokens: 20_000 } }

  test.each(['gpt-5.4', 'gpt-5.6-sol', 'gpt-6'])('are a matter of no effort at %s, which refuses both in a chat', async (serves) => {
    const at = { kind: 'azure', model: 'deployment', serves } as const
    expect(await askedFor(messages, { ...body, tools }, at)).toMatchObject({ reasoning_effort: 'none', temperature: 0.5 })
    expect(await askedFor(messages, { ...body, thinking: undefined, tools }, at)).toMatchObject({ reasoning_effort: 'none' })
    expect(await askedFor(messages, body, at)).toMatchObject({ reasoning_effort: 'high' })
    expect(await askedForOurs({ messages: said, tools: chatTools, reasoning_effort: 'low' }, at)).toMatchObject({ reasoning_effort: 'none' })
    // A caller's own chat is not ours to change.
    expect(await askedFor(chatCompletions, { messages: said, tools: chatTools, reasoning_effort: 'low' }, at)).toMatchObject({ reasoning_effort: 'low' })
  })

  test.each(['gpt-5', 'gpt-5.2', 'o3', 'gpt-5.4-chat-latest'])('and as asked at %s', async (model) => {
    expect((await askedFor(messages, { ...body, tools }, { kind: 'openai', model })).reasoning_effort).not.toBe('none')
  })
})

describe('what a model thought before it called a tool', () => {
  const thought = { role: 'assistant', content: [{ type: 'thinking', thinking: 'Let me look.', signature: '' }, { type: 'tool_use', id: 'a', name: 'find', input: {} }] }
  const thoughtless = { role: 'assistant', content: [{ type: 'thinking', thinking: 'Sealed', signature: 'c2ln' }, { type: 'tool_use', id: 'b', name: 'find', input: {} }] }
  const result = (id: string) => ({ role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'Found' }] })
  const body = { max_tokens: 10, tools, messages: [...said, thought, result('a'), thoughtless, result('b')] }
  const thoughtsIn = ({ messages: sent }: Record<string, unknown>) => Array.isArray(sent) ? sent.filter(({ role }) => role === 'assistant').map(message => message.reasoning_content) : []

  test.each(['deepseek-v4-pro', 'moonshotai/kimi-k2.5'])('goes back to %s, which wants it there; what nobody knows is told as nothing', async (model) => {
    expect(thoughtsIn(await askedFor(messages, body, { model }))).toEqual(['Let me look.', ' '])
    expect(thoughtsIn(await askedFor(responses, { input: [...said, { type: 'function_call', call_id: 'a', name: 'find', arguments: '{}' }, { type: 'function_call_output', call_id: 'a', output: 'Found' }] }, { model }))).toEqual([' '])
    expect(thoughtsIn(await askedForOurs({ messages: [...said, { ...found, reasoning_content: 'Hm.' }, { role: 'assistant', content: 'Yes' }] }, { model }))).toEqual(['Hm.', undefined])
  })

  const told = { type: 'reasoning', id: newId('rs', uuidv7()), summary: [{ type: 'summary_text', text: 'Let me ' }, { type: 'summary_text', text: 'look.' }] }
  const step = (thoughts: object[], id: string) => [...thoughts, { type: 'function_call', call_id: id, name: 'find', arguments: '{}' }, { type: 'function_call_output', call_id: id, output: 'Found' }]
  const steps = { input: [...said, ...step([told, { type: 'message', role: 'assistant', content: 'One moment.' }], 'a'), ...step([told], 'b'), ...step([{ ...told, encrypted_content: 'gAAAA' }], 'c'), ...step([], 'd')] }

  test('goes back in responses, as far as they show it', async () => {
    const asked = await askedFor(responses, steps, { model: 'deepseek-v4-pro' })
    expect(thoughtsIn(asked)).toEqual(['Let me look.', 'Let me look.', ' ', ' '])
    expect(asked.messages).toMatchObject([{ role: 'user' }, { content: 'One moment.', tool_calls: [{ id: 'a' }] }, { role: 'tool' }, { content: null, tool_calls: [{ id: 'b' }] }, { role: 'tool' }, {}, {}, {}, {}])
    // Cut off before it said anything, it thought nothing that led to what comes next.
    expect(thoughtsIn(await askedFor(responses, { input: [...said, told, ...said, ...step([], 'a')] }, { model: 'deepseek-v4-pro' }))).toEqual([' '])
  })

  test('and to no other', async () => {
    expect(thoughtsIn(await askedFor(responses, steps, { model: 'qwen3' }))).toEqual([undefined, undefined, undefined, undefined])
    expect(thoughtsIn(await askedFor(messages, body, { model: 'qwen3' }))).toEqual([undefined, undefined])
    expect(thoughtsIn(await askedForOurs({ messages: [...said, { ...found, reasoning_content: 'Hm.' }] }, { kind: 'openai', model: 'gpt-5' }))).toEqual([undefined])
  })

  test('is as its caller wrote it in a chat, but at Groq and Cerebras, which refuse what we have put into it', async () => {
    const ours = { ...found, content: 'Look', reasoning_content: 'Hm.', images: [], tool_calls: found.tool_calls.map(call => ({ ...call, extra_content: {} })) }
    const sentTo = async (baseUrl: string, model = 'm') => {
      const { target, asked } = chatTarget('', { model })
      const there = { ...target, connection: connectionOf('openai-compatible', { baseUrl }) }
      await attempt(parseCall(chatCompletions, { model: 'm', messages: [...said, ours] }), there)
      return asked[0]?.messages
    }
    expect(await sentTo('https://api.together.xyz/v1')).toEqual([...said, ours])
    for (const baseUrl of ['https://api.groq.com/openai/v1', 'https://api.cerebras.ai/v1']) expect(await sentTo(baseUrl, 'moonshotai/kimi-k2')).toEqual([...said, { ...found, content: 'Look' }])
  })
})

describe('a conversation with tools, at Mistral\'s models', () => {
  const ids = ['toolu_01JLpBvrkaJHBDU3z3cWqtyv', 'call_0', 'D681PevKs']
  const call = (id: string) => ({ id, type: 'function', function: { name: 'find', arguments: '{}' } })
  const Sent = z.array(z.looseObject({ role: z.string(), content: z.unknown(), tool_call_id: z.string().optional(), tool_calls: z.array(z.looseObject({ id: z.string() })).optional() }))
  const sentIn = ({ messages: sent }: Record<string, unknown>) => Sent.parse(sent)

  test.each(['mistral-large-2512', 'devstral-small-2512', 'mistralai/codestral-2508'])('%s gets an answer between results and the user\'s words, and ids it takes', async (model) => {
    const asked = sentIn(await askedFor(messages, { max_tokens: 10, tools, messages: [
      ...said, { role: 'assistant', content: ids.map(id => ({ type: 'tool_use', id, name: 'find', input: {} })) },
      { role: 'user', content: [...ids.map(id => ({ type: 'tool_result', tool_use_id: id, content: 'Found' })), { type: 'text', text: 'Go on' }] }
    ] }, { model }))
    expect(asked.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'tool', 'assistant', 'user'])
    const called = asked[1]?.tool_calls?.map(({ id }) => id) ?? []
    expect(asked.flatMap(({ tool_call_id: id }) => id ?? [])).toEqual(called)
    for (const id of called) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(called[2]).toBe(ids[2])
    expect(new Set(called)).toHaveLength(3)
  })

  test('as their caller wrote it, it has such ids, too, and is else as it was', async () => {
    const body = { messages: [...said, { role: 'assistant', content: null, tool_calls: ids.map(call) }, ...ids.map(id => ({ role: 'tool', tool_call_id: id, content: 'Found' })), ...said] }
    const asked = sentIn(await askedFor(chatCompletions, body, { model: 'mistral-small-latest' }))
    expect(asked.map(({ role, content }) => [role, content])).toEqual(body.messages.map(({ role, content }) => [role, content]))
    expect(asked[2]?.tool_call_id).toBe(asked[1]?.tool_calls?.[0]?.id)
    expect(asked[2]?.tool_call_id).toHaveLength(9)
    expect((await askedFor(chatCompletions, body, { model: 'gpt-4o' })).messages).toEqual(body.messages)
  })

  test('elsewhere it is as it was', async () => {
    const input = [{ type: 'function_call', call_id: 'call_0', name: 'find', arguments: '{}' }, { type: 'function_call_output', call_id: 'call_0', output: 'Found' }, ...said]
    expect(sentIn(await askedFor(responses, { input }, { model: 'qwen3' })).map(({ role }) => role)).toEqual(['assistant', 'tool', 'user'])
    expect(sentIn(await askedFor(responses, { input }, { model: 'devstral-2512' })).map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant', 'user'])
  })
})

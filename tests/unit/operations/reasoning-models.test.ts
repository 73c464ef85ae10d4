import { describe, expect, test } from 'vitest'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { completions } from '../../../server/gateway/operations/completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { attempt, chatTarget, parseCall } from '../../support/operation-calls'

const said = [{ role: 'user', content: 'Hello' }]
const tuned = { temperature: 0, top_p: 0.9 }
const penalties = { presence_penalty: 1, frequency_penalty: 1 }

/** What a model is asked in chat completions. */
async function askedFor(operation: Operation, rest: object, options: Parameters<typeof chatTarget>[1]): Promise<Record<string, unknown>> {
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
})

test.each<[Operation, Record<string, unknown>]>([
  [chatCompletions, { messages: said }], [messages, { max_tokens: 10, messages: said }], [completions, { prompt: 'Hello' }]
])('a model that speaks the Responses API alone says so in a call of $name', async (operation, body) => {
  for (const options of [{ kind: 'openai', model: 'gpt-5-codex' }, { kind: 'azure', model: 'coder', serves: 'gpt-5.1-codex' }] as const) {
    await expect(askedFor(operation, body, options)).rejects.toMatchObject({ code: 'invalid_request', param: 'model', message: expect.stringContaining('/v1/responses') })
  }
  expect(await askedFor(operation, body, { model: 'gpt-5-codex' })).toMatchObject({ model: 'gpt-5-codex' })
})

import { describe, expect, test } from 'vitest'
import { toAnthropicBody } from '../../../server/gateway/operations/anthropic-body'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { attempt, chatStream, chatTarget, nativeTarget, parseCall, tapStream, targetOf } from '../../support/operation-calls'
import { eventsIn } from '../../support/provider-calls'

/** What Gemini wants back with a call of a tool, as its chat answers bring it. */
const extra = { google: { thought_signature: 'c2lnbmVk' } }
const toolCall = { id: 'a', type: 'function', function: { name: 'find', arguments: '{"q":1}' }, extra_content: extra }
const whole = JSON.stringify({ choices: [{ message: { content: null, tool_calls: [toolCall] }, finish_reason: 'tool_calls' }], usage: { prompt_tokens: 1, completion_tokens: 1 } })
const stream = chatStream([{ tool_calls: [{ index: 0, ...toolCall }] }], { finish: 'tool_calls' })

const formats: [Operation, object, (answer: Record<string, unknown[]>) => unknown, string][] = [
  [messages, { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] }, answer => answer.content?.[0], 'tool_use'],
  [responses, { model: 'm', input: 'Hi' }, answer => answer.output?.[0], 'function_call']
]

describe.each(formats)('the signature of a thought of Gemini\'s, in $name', (operation, body, callIn, type) => {
  test('comes with the call of a tool, whole or streamed', async () => {
    const answer = await attempt(parseCall(operation, body), chatTarget(whole, { kind: 'google' }).target)
    expect(callIn(JSON.parse(answer.toString()))).toMatchObject({ type, extra_content: extra })
    const request = parseCall(operation, { ...body, stream: true })
    const { sent } = tapStream(request, await attempt(request, chatTarget(stream, { kind: 'google' }).target))
    const begun = eventsIn(sent).map((data): Record<string, unknown> => JSON.parse(data)).flatMap(event => event.content_block ?? event.item ?? [])
    expect(begun[0]).toMatchObject({ type, extra_content: extra })
  })

  test('goes back to Gemini with the call, and to no model that does not know it', async () => {
    const answer = callIn(JSON.parse((await attempt(parseCall(operation, body), chatTarget(whole, { kind: 'google' }).target)).toString()))
    const next = operation === messages
      ? { ...body, messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: [answer] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'found' }] }] }
      : { ...body, input: [{ role: 'user', content: 'Hi' }, answer, { type: 'function_call_output', call_id: 'a', output: 'found' }] }
    for (const [options, expected] of [[{ kind: 'google' }, extra], [{ model: 'google/gemini-3-pro' }, extra], [{ model: 'gpt-4o' }, undefined]] as const) {
      const { target, asked } = chatTarget(whole, options)
      await attempt(parseCall(operation, next), target)
      const calls = JSON.stringify(asked[0]?.messages)
      expect(calls.includes('thought_signature')).toBe(expected !== undefined)
      expect(calls).toContain('"name":"find"')
    }
    const { target, asked } = nativeTarget('openai')
    await attempt(parseCall(operation, next), target)
    expect(JSON.stringify(asked[0]?.body)).not.toContain('extra_content')
    expect(JSON.stringify(asked[0]?.body)).toContain('"name":"find"')
  })
})

test('a conversation whose thoughts are all signed goes to Anthropic as it is, none of it copied; one with an unsigned one loses that alone', () => {
  const turn = (signature: string) => ({ role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm', signature }, { type: 'text', text: 'Yes' }] })
  const bodyOf = (...messages: { role: string, content: unknown }[]) => ({ model: 'claude', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }, ...messages] })
  const takenOf = (body: ReturnType<typeof bodyOf>) => toAnthropicBody(Buffer.from(JSON.stringify(body)), body, targetOf('anthropic', 'claude-sonnet-4-5'))
  const signed = bodyOf(turn('c2lnbmVk'))
  expect(takenOf(signed)).toBe(signed)
  const mixed = bodyOf(turn('c2lnbmVk'), turn(''))
  const taken = takenOf(mixed)
  expect(taken.messages[1]).toBe(mixed.messages[1])
  expect(taken.messages[2]).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'Yes' }] })
})

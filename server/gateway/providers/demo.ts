import { addAbortSignal, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { readChatRequest } from './chat-request'
import { composeDemoAnswer } from './demo-answer'
import type { DemoAnswer } from './demo-answer'
import { demoMedia } from './demo-media'
import { demoSound } from './demo-sound'
import type { Provider, UpstreamResponse } from './provider'

export const DemoConfig = z.strictObject({
  /** Between two pieces of a stream, so that it can be seen to stream. */
  chunkDelayMs: z.int().min(0).max(1_000).default(8)
})

/** `demo-reasoning` streams reasoning before it answers. */
export const demoModels = ['demo', 'demo-reasoning'] as const

/** The built-in model: no key, no network, no intelligence, and it says so. Everything else about it is as with a real one. */
export const demo: Provider = {
  kind: 'demo',
  Config: DemoConfig,
  native: operation => demoSound(operation) ?? demoMedia(operation),
  async chatCompletions(connection, call, _transport, signal): Promise<UpstreamResponse> {
    signal.throwIfAborted()
    const { chunkDelayMs } = DemoConfig.parse(connection.config)
    const answer = composeDemoAnswer(readChatRequest(call.body), call.upstreamModel === 'demo-reasoning')
    const envelope = { id: `chatcmpl-${uuidv7()}`, created: Math.floor(Date.now() / 1_000), model: call.upstreamModel }
    if (call.stream) {
      const body = addAbortSignal(signal, Readable.from(streamAnswer(answer, envelope, chunkDelayMs, signal), { objectMode: false }))
      return { status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' }, body }
    }
    const json = Buffer.from(JSON.stringify(wholeAnswer(answer, envelope)))
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'content-length': String(json.length) },
      body: Readable.from([json], { objectMode: false })
    }
  }
}

interface Envelope { id: string, created: number, model: string }

function wholeAnswer(answer: DemoAnswer, envelope: Envelope) {
  const message = {
    role: 'assistant',
    content: answer.toolCalls.length > 0 ? null : answer.content.join(''),
    refusal: null,
    ...(answer.reasoning.length > 0 && { reasoning_content: answer.reasoning.join('') }),
    ...(answer.toolCalls.length > 0 && { tool_calls: answer.toolCalls.map(({ id, name, arguments: text }) => ({ id, type: 'function', function: { name, arguments: text } })) })
  }
  return {
    ...envelope,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }],
    usage: answer.usage
  }
}

async function* streamAnswer(answer: DemoAnswer, envelope: Envelope, delayMs: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const event = (choices: unknown[], rest: object = {}) => Buffer.from(`data: ${JSON.stringify({ ...envelope, object: 'chat.completion.chunk', choices, ...rest })}\n\n`)
  const chunk = (delta: object, finishReason: string | null = null) => event([{ index: 0, delta, logprobs: null, finish_reason: finishReason }])
  yield chunk({ role: 'assistant', content: answer.toolCalls.length > 0 ? null : '' })
  for (const delta of deltas(answer)) {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal })
    yield chunk(delta)
  }
  yield chunk({}, answer.finishReason)
  yield event([], { usage: answer.usage })
  yield Buffer.from('data: [DONE]\n\n')
}

function* deltas(answer: DemoAnswer): Generator<object> {
  for (const token of answer.reasoning) yield { reasoning_content: token }
  for (const token of answer.content) yield { content: token }
  for (const [index, call] of answer.toolCalls.entries()) {
    yield { tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }
    for (const piece of call.arguments.match(/.{1,16}/gsu) ?? []) yield { tool_calls: [{ index, function: { arguments: piece } }] }
  }
}

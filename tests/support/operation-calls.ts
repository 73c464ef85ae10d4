import { PassThrough, Readable } from 'node:stream'
import type { ProviderKind } from '../../shared/catalog'
import type { Target } from '../../server/catalog/target'
import type { CloserLook } from '../../server/gateway/closer-look'
import type { CallRequest, Operation, StreamTap } from '../../server/gateway/operations/operation'
import { providers } from '../../server/gateway/providers/registry'
import type { Provider, ProviderRequest, UpstreamResponse } from '../../server/gateway/providers/provider'
import { connectionOf } from './provider-calls'

/** A request as an operation parses it. */
export function parseCall(operation: Operation, body: unknown): CallRequest {
  return operation.parse(Buffer.from(JSON.stringify(body)), {})
}

/** Our own count of a call's prompt, and what every provider tells. */
export function lookAt(request: CallRequest, told?: number): CloserLook {
  return { ours: async () => request.countClosely?.(), theirs: () => Promise.resolve(told) }
}

/** A target of a kind, as the road chooses it. */
export function targetOf(kind: ProviderKind, upstreamModel: string, rest: Partial<Target> = {}): Target {
  return { requestedModel: upstreamModel, connection: connectionOf(kind), provider: providers[kind], upstreamModel, servedModel: upstreamModel, price: undefined, priority: 0, strategy: 'weighted', weight: 1, timeoutMs: null, retries: null, ...rest }
}

/** A target that speaks chat completions only, answers with `body` whatever it is asked, and tells what that was. */
export function chatTarget(body: string, { kind = 'openai-compatible', model = 'upstream-model', serves = model }: { kind?: ProviderKind, model?: string, serves?: string } = {}): { target: Target, asked: Record<string, unknown>[] } {
  const asked: Record<string, unknown>[] = []
  const provider: Provider = {
    kind,
    Config: providers[kind].Config,
    chatCompletions: (_connection, call) => {
      asked.push({ ...call.body, model: call.upstreamModel })
      return Promise.resolve({ status: 200, headers: { 'content-type': call.stream ? 'text/event-stream' : 'application/json' }, body: Readable.from([Buffer.from(body)], { objectMode: false }) })
    }
  }
  return { target: targetOf(kind, model, { provider, servedModel: serves }), asked }
}

/** A target of a kind that speaks every format itself, answers nothing, and tells what it was asked. */
export function nativeTarget(kind: ProviderKind): { target: Target, asked: ProviderRequest[] } {
  const asked: ProviderRequest[] = []
  const provider: Provider = { ...providers[kind], native: () => (_connection, call) => {
    asked.push(call)
    return Promise.resolve({ status: 200, headers: {}, body: Readable.from([Buffer.from('{}')], { objectMode: false }) })
  } }
  return { target: targetOf(kind, 'm', { provider }), asked }
}

/** Nothing here goes over the network. */
const noTransport = () => Promise.reject(new Error('a call over the network'))

/** One attempt. */
export function sendCall(request: CallRequest, target: Target): Promise<UpstreamResponse> {
  return request.send(target, noTransport, new AbortController().signal)
}

/** One attempt, and the bytes of its answer. */
export async function attempt(request: CallRequest, target: Target): Promise<Buffer> {
  const { body } = await sendCall(request, target)
  const chunks: Buffer[] = []
  for await (const chunk of body.pipe(new PassThrough())) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** A new reader of the request's streamed answers. */
export function tapOf(request: CallRequest): StreamTap {
  const tap = request.tap?.({ 'content-type': 'text/event-stream' })
  if (!tap) throw new Error('answers of this operation do not stream')
  return tap
}

export interface Tapped { sent: string, closing: string, tap: StreamTap }

/** A stream through the request's tap, cut into pieces of `size` bytes. */
export function tapStream(request: CallRequest, bytes: Buffer, size = bytes.length): Tapped {
  const tap = tapOf(request)
  const sent: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) sent.push(...tap.push(bytes.subarray(at, at + size)))
  sent.push(...tap.end())
  const usage = tap.usage ?? { inputTokens: 11, outputTokens: 22, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  return { sent: Buffer.concat(sent).toString(), closing: String(tap.closing(usage, '0.25')), tap }
}

/** The events of a chat-completions stream that says these deltas. */
export function chatStream(deltas: object[], { finish = 'stop', usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }: { finish?: string | null, usage?: object | null } = {}): string {
  const chunk = (choices: unknown[], rest: object = {}) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...rest })}\n\n`
  const choice = (delta: object, reason: string | null = null) => chunk([{ index: 0, delta, finish_reason: reason }])
  return [
    choice({ role: 'assistant', content: '' }),
    ...deltas.map(delta => choice(delta)),
    ...finish ? [choice({}, finish), ...usage ? [chunk([], { usage })] : [], 'data: [DONE]\n\n'] : []
  ].join('')
}

import { Readable } from 'node:stream'
import { createParser } from 'eventsource-parser'
import { request as send } from 'undici'
import { z } from 'zod'
import type { ProviderKind } from '../../shared/catalog'
import type { Connection, Transport, UpstreamResponse } from '../../server/gateway/providers/provider'
import { providers } from '../../server/gateway/providers/registry'

/** A transport without pools or timeouts. */
export const plainTransport: Transport = async (request, signal) => {
  const { statusCode, headers, body } = await send(request.url, { method: 'POST', headers: request.headers, body: typeof request.body === 'string' ? request.body : Readable.from(request.body), signal })
  return { status: statusCode, headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])), body }
}

export function connectionOf(kind: ProviderKind, rest: Partial<Connection> = {}): Connection {
  return { id: '01990000-0000-7000-8000-000000000001', kind, name: `test-${kind}`, baseUrl: null, secret: 'sk-secret-of-the-connection', config: {}, ...rest }
}

export interface AskOptions {
  transport?: Transport
  signal?: AbortSignal
  model?: string
}

/** Calls a connection with a chat-completions body, as the road does. */
export function ask(connection: Connection, body: Record<string, unknown>, { transport = plainTransport, signal = new AbortController().signal, model = 'upstream-model' }: AskOptions = {}): Promise<UpstreamResponse> {
  return providers[connection.kind].chatCompletions(connection, { body, upstreamModel: model, stream: body.stream === true }, transport, signal)
}

export async function textOf(response: UpstreamResponse): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response.body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

/** The data of each event. */
export function eventsIn(text: string): string[] {
  const events: string[] = []
  const parser = createParser({ onEvent: ({ data }) => events.push(data) })
  parser.feed(text)
  return events
}

const ToolCallDelta = z.object({ index: z.int(), id: z.string().optional(), function: z.object({ name: z.string().optional(), arguments: z.string().optional() }) })
const Usage = z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() })
const Chunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  model: z.string(),
  choices: z.array(z.object({
    delta: z.object({ content: z.string().nullish(), reasoning_content: z.string().optional(), tool_calls: z.array(ToolCallDelta).optional() }),
    finish_reason: z.string().nullable()
  })),
  // At its start a stream may tell what is known of the prompt alone.
  usage: z.union([Usage, z.object({ prompt_tokens: z.int(), completion_tokens: z.undefined().optional() }).transform(() => undefined)]).nullish()
})
const Completion = z.object({
  object: z.literal('chat.completion'),
  choices: z.tuple([z.object({
    message: z.object({
      role: z.literal('assistant'),
      content: z.string().nullable(),
      reasoning_content: z.string().optional(),
      tool_calls: z.array(z.object({ id: z.string(), type: z.literal('function'), function: z.object({ name: z.string(), arguments: z.string() }) })).optional()
    }),
    finish_reason: z.string()
  })]),
  usage: Usage.optional()
})
export const ErrorObject = z.strictObject({ error: z.strictObject({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable(), innererror: z.record(z.string(), z.unknown()).optional() }) })

/** What a caller makes of an answer, streamed or not. */
export interface Answer {
  content: string
  reasoning: string
  toolCalls: { id: string, name: string, arguments: string }[]
  finishReason: string | undefined
  usage: z.infer<typeof Usage> | undefined
}

/** @throws {ZodError} for anything but a `chat.completion` */
export function readCompletion(text: string): Answer {
  const { choices: [{ message, finish_reason: finishReason }], usage } = Completion.parse(JSON.parse(text))
  const toolCalls = (message.tool_calls ?? []).map(({ id, function: called }) => ({ id, ...called }))
  return { content: message.content ?? '', reasoning: message.reasoning_content ?? '', toolCalls, finishReason, usage }
}

/** @throws {Error} for anything but a stream of chunks that ends with `[DONE]` */
export function readChunks(text: string): Answer {
  const events = eventsIn(text)
  if (events.pop() !== '[DONE]') throw new Error('the stream does not end with [DONE]')
  const answer: Answer = { content: '', reasoning: '', toolCalls: [], finishReason: undefined, usage: undefined }
  for (const event of events) {
    const { choices: [choice], usage } = Chunk.parse(JSON.parse(event))
    answer.usage = usage ?? answer.usage
    answer.content += choice?.delta.content ?? ''
    answer.reasoning += choice?.delta.reasoning_content ?? ''
    answer.finishReason = choice?.finish_reason ?? answer.finishReason
    for (const delta of choice?.delta.tool_calls ?? []) {
      const call = answer.toolCalls[delta.index] ??= { id: delta.id ?? '', name: delta.function.name ?? '', arguments: '' }
      call.arguments += delta.function.arguments ?? ''
    }
  }
  return answer
}

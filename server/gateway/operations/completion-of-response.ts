import { z } from 'zod'
import { LoomError } from '../../errors'
import { MAX_ITEMS, MAX_PARTS } from '../answer-limits'
import { isCut } from '../is-cut'
import { parseAnswer } from '../told-failure'
import { toChatUsage } from '../usage'
import { failureOf, readResponseUsage } from './response-answer'

const Part = z.looseObject({ text: z.string().optional(), refusal: z.string().optional() })
/** Items of kinds not named here have no place in a chat completion. */
const Item = z.union([
  z.object({ type: z.literal('message'), content: z.array(Part).max(MAX_PARTS) }),
  z.object({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: z.string(), status: z.string().nullish() }),
  z.object({ type: z.literal('reasoning'), summary: z.array(Part).max(MAX_PARTS).optional().catch(undefined) }),
  z.object({ type: z.string() }).transform(() => ({ type: 'other' as const }))
])

/** A model may write one message for what it is about to do, and another for its answer; in a chat they are one. */
export const BETWEEN_MESSAGES = '\n\n'

/** How a response ended, and what it took. */
export const EndedResponse = z.looseObject({
  status: z.string().nullish(),
  incomplete_details: z.looseObject({ reason: z.string().nullish() }).nullish(),
  error: z.unknown().optional(),
  service_tier: z.string().nullish().catch(undefined),
  usage: z.unknown().optional()
})
type EndedResponse = z.infer<typeof EndedResponse>

const Response = EndedResponse.extend({ object: z.literal('response'), id: z.string(), model: z.string(), output: z.array(Item).max(MAX_ITEMS) })

/** Why a chat's answer ended: as the response tells it, or for its calls of tools. */
export function finishReasonOf({ status, incomplete_details: cut }: EndedResponse, hasCalls: boolean): string {
  if (cut?.reason === 'content_filter') return 'content_filter'
  if (status === 'incomplete') return 'length'
  return hasCalls ? 'tool_calls' : 'stop'
}

/** The tier that it was served in, where that is told, which may cost more. */
export function tierOf({ service_tier: tier }: EndedResponse): object {
  return tier ? { service_tier: tier } : {}
}

/** Its usage as a chat tells it; undefined where it tells none. */
export function chatUsageOf({ usage }: EndedResponse): object | undefined {
  const counts = readResponseUsage(usage)
  return counts && toChatUsage(counts)
}

/**
 * A whole response as a `chat.completion` object.
 * @throws {LoomError} `upstream_error` for what is no response, or one that failed
 */
export function completionOf(text: string, createdAt: Date): Record<string, unknown> {
  const response = readResponse(text)
  if (response.status === 'failed') throw failureOf(response.error)
  const { output, id, model } = response
  const calls = output.flatMap(item => item.type === 'function_call' ? [item] : [])
  const reason = finishReasonOf(response, calls.length > 0)
  // Cut off within a call, there is no telling what is missing of its arguments: a client would run it.
  const finished = isCut(reason) ? calls.filter(({ status }) => status !== 'incomplete') : calls
  const messages = output.flatMap(item => item.type === 'message' ? [item.content] : [])
  const written = messages.flat()
  const content = messages.map(parts => parts.map(({ text }) => text ?? '').join('')).filter(Boolean).join(BETWEEN_MESSAGES)
  const refusal = written.map(({ refusal }) => refusal ?? '').join('')
  const reasoning = output.flatMap(item => item.type === 'reasoning' ? item.summary ?? [] : []).map(({ text }) => text ?? '').join('\n\n')
  const usage = chatUsageOf(response)
  return {
    id,
    object: 'chat.completion',
    created: Math.floor(createdAt.getTime() / 1_000),
    model,
    choices: [{
      index: 0,
      message: {
        role: 'assistant',
        content: content || (finished.length > 0 || refusal ? null : ''),
        refusal: refusal || null,
        ...(reasoning && { reasoning_content: reasoning }),
        ...(finished.length > 0 && { tool_calls: finished.map(call => ({ id: call.call_id, type: 'function', function: { name: call.name, arguments: call.arguments } })) })
      },
      logprobs: null,
      finish_reason: reason
    }],
    ...tierOf(response),
    ...(usage && { usage })
  }
}

function readResponse(text: string): z.infer<typeof Response> {
  try {
    return Response.parse(parseAnswer(text))
  } catch (cause) {
    if (cause instanceof LoomError) throw cause
    throw new LoomError('upstream_error', 'The provider answered with something that is not a response.', { cause })
  }
}

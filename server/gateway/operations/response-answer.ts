import { z } from 'zod'
import { LoomError } from '../../errors'
import { MAX_ITEMS, MAX_PARTS } from '../answer-limits'
import { fieldOf } from '../field-of'
import { ToldFailure } from '../providers/upstream-failure'
import { readUsage, toInputDetails, toOutputDetails, toToldCost } from '../usage'
import type { Usage } from '../usage'
import type { WholeAnswer } from './operation'
import { idsGiven } from './provider-ids'
import { ownTools } from './responses-body'
import { findSurcharge } from './unpriced'

/** The words of the chat format under other names. */
const ResponseUsage = z.object({ input_tokens: z.number(), output_tokens: z.number(), input_tokens_details: z.unknown().optional(), output_tokens_details: z.unknown().optional(), cost: z.unknown().optional() })

/** The counts in a response's `usage`; undefined when it is missing or makes no sense. */
export function readResponseUsage(usage: unknown): Usage | undefined {
  const parsed = ResponseUsage.safeParse(usage)
  if (!parsed.success) return undefined
  const { input_tokens: input, output_tokens: output, input_tokens_details: inputDetails, output_tokens_details: outputDetails, cost } = parsed.data
  return readUsage({ prompt_tokens: input, completion_tokens: output, prompt_tokens_details: inputDetails, completion_tokens_details: outputDetails, cost })
}

/** Counts as the Responses API writes them. */
export function toResponseUsage(usage: Usage) {
  const { inputTokens, outputTokens } = usage
  return {
    input_tokens: inputTokens,
    input_tokens_details: toInputDetails(usage),
    output_tokens: outputTokens,
    output_tokens_details: toOutputDetails(usage),
    total_tokens: inputTokens + outputTokens,
    ...toToldCost(usage)
  }
}

const Response = z.looseObject({
  object: z.literal('response'),
  status: z.string().nullish(),
  error: z.looseObject({ message: z.string() }).nullish().catch(undefined),
  output: z.array(z.looseObject({ type: z.string() })).max(MAX_ITEMS),
  usage: z.unknown().optional()
})

/**
 * @throws {LoomError} `upstream_error` for a response that failed
 * @throws {ZodError} for what is no response
 */
export function readResponse(body: Buffer): WholeAnswer {
  const response = Response.parse(JSON.parse(body.toString('utf8')))
  if (response.status === 'failed') throw failureOf(response.error)
  const usage = readResponseUsage(response.usage)
  return {
    contentType: 'application/json',
    usage,
    rawUsage: response.usage,
    text: () => response.output.map(textOf).join(''),
    surcharge: findSurcharge(response, ownTools),
    givenIds: () => idsGiven(response),
    finish: counted => usage ? body : Buffer.from(JSON.stringify({ ...response, usage: toResponseUsage(counted) }))
  }
}

/** A response that failed, and what its provider says of it, if anything. */
export function failureOf(told: unknown): LoomError {
  const message = fieldOf(told, 'message')
  return typeof message === 'string' ? new ToldFailure(message, { code: fieldOf(told, 'code') }) : new LoomError('upstream_error', 'The provider failed to answer.')
}

const Texts = z.array(z.looseObject({ text: z.string().optional(), refusal: z.string().optional() })).max(MAX_PARTS)

/** What the model wrote in an item: texts, a refusal, a call's name and arguments or text. */
function textOf({ content, summary, name, arguments: called, input }: Record<string, unknown>): string {
  const parts = [content, summary].flatMap((list: unknown) => Texts.safeParse(list).data ?? [])
  return parts.map(({ text, refusal }) => text ?? refusal ?? '').join('') + [name, called, input].map(text => typeof text === 'string' ? text : '').join('')
}

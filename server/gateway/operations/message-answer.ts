import { z } from 'zod'
import { MAX_ITEMS } from '../answer-limits'
import { MessageUsage, toChatUsage } from '../providers/anthropic-usage'
import { readUsage, toToldCost } from '../usage'
import type { Usage } from '../usage'
import type { WholeAnswer } from './operation'
import { findSurcharge } from './unpriced'

const Message = z.looseObject({
  type: z.literal('message'),
  content: z.array(z.looseObject({ type: z.string() })).max(MAX_ITEMS),
  usage: z.unknown().optional()
})

/** The counts in a message's `usage`; undefined when it is missing, incomplete or makes no sense. */
export function readMessageUsage(usage: unknown): Usage | undefined {
  const parsed = MessageUsage.safeParse(usage)
  return parsed.success ? readUsage({ ...toChatUsage(parsed.data), cost: parsed.data.cost }) : undefined
}

/** Counts as Anthropic writes them: cached tokens beside `input_tokens`, not within. Where another provider told words and pictures apart, so does this. */
export function toMessageUsage(usage: Usage) {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens, textOutputTokens } = usage
  const details = { ...(reasoningTokens > 0 && { thinking_tokens: reasoningTokens }), ...(textOutputTokens !== undefined && { text_tokens: textOutputTokens }) }
  return {
    input_tokens: inputTokens - cachedInputTokens - cacheWriteTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedInputTokens,
    output_tokens: outputTokens,
    ...(Object.keys(details).length > 0 && { output_tokens_details: details }),
    ...toToldCost(usage)
  }
}

/** @throws {ZodError} for what is no message */
export function readMessage(body: Buffer): WholeAnswer {
  const message = Message.parse(JSON.parse(body.toString('utf8')))
  const usage = readMessageUsage(message.usage)
  return {
    contentType: 'application/json',
    usage,
    rawUsage: message.usage,
    surcharge: findSurcharge({ usage: message.usage }),
    text: () => message.content.map(textOf).join(''),
    finish: counted => usage ? body : Buffer.from(JSON.stringify({ ...message, usage: toMessageUsage(counted) }))
  }
}

function textOf({ text, thinking, name, input }: Record<string, unknown>): string {
  return [text, thinking, name].map(part => typeof part === 'string' ? part : '').join('') + (input === undefined ? '' : JSON.stringify(input))
}

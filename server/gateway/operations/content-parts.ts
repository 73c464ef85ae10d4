import { z } from 'zod'
import { MAX_PARTS } from '../answer-limits'

const text = z.string().nullish()
const Thinking = z.union([z.string(), z.array(z.looseObject({ text })).max(MAX_PARTS)]).nullish().catch(undefined)
const Parts = z.array(z.looseObject({ text, thinking: Thinking })).max(MAX_PARTS)

/**
 * A model's message, or a piece of one, whose content some providers write in parts: with the text as one, and what the model thought, as Mistral's
 * write it among them, as `reasoning_content`. Any other comes back as it is.
 * Source: Mistral, "Reasoning", docs.mistral.ai/inference/conversations/reasoning, read 2026-11.
 */
export function withPartsJoined(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !('content' in message) || !Array.isArray(message.content)) return message
  const parts = Parts.safeParse(message.content).data
  if (!parts) return message
  const reasoning = parts.map(({ thinking }) => typeof thinking === 'string' ? thinking : joined(thinking ?? [])).join('')
  return { ...message, content: joined(parts), ...(reasoning && { reasoning_content: reasoning }) }
}

function joined(parts: readonly { text?: string | null | undefined }[]): string {
  return parts.map(part => part.text ?? '').join('')
}

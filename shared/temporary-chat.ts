import { z } from './zod'
import { ConversationSettings } from './conversations'
import { Id, NanoUsdText, Timestamp, storableText } from './json'
import { MessagePart } from './messages'
import { ModelName } from './model-parameters'

/** The most messages, and UTF-16 code units in them, that a temporary chat sends. */
export const TEMPORARY_MESSAGES_MAX = 400
export const TEMPORARY_TEXT_MAX = 2_000_000

/**
 * `POST /api/projects/{id}/temporary`: the next answer of a chat that is kept nowhere: its messages come with each call. Answers with an event stream of
 * `part`, `delta`, `part_done` and `usage`, ended by `end` (see TemporaryEvent). The call is charged, and traced without its bodies.
 */
export const AskTemporarily = z.strictObject({
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), text: storableText(TEMPORARY_TEXT_MAX) })).min(1).max(TEMPORARY_MESSAGES_MAX)
    .refine(messages => messages.at(-1)?.role === 'user', 'The last message must be the user\'s')
    .refine(messages => messages.reduce((sum, { text }) => sum + text.length, 0) <= TEMPORARY_TEXT_MAX, 'The messages are too long together'),
  model: ModelName.optional(),
  ...ConversationSettings.partial().shape
})
export type AskTemporarily = z.infer<typeof AskTemporarily>

/** The event stream of a temporary answer; `end` comes last, with the figures of the call where there was one. */
export const TemporaryEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('part'), part: MessagePart }),
  z.object({ type: z.literal('delta'), index: z.int(), text: z.string() }),
  z.object({ type: z.literal('part_done'), index: z.int(), completedAt: Timestamp }),
  z.object({ type: z.literal('usage'), inputTokens: z.int(), outputTokens: z.int(), cachedInputTokens: z.int(), reasoningTokens: z.int() }),
  z.object({
    type: z.literal('end'), error: z.object({ code: z.string(), message: z.string() }).nullable(),
    /** As of a message. */
    leftOutTurns: z.int(),
    figures: z.object({
      provider: z.string().nullable(), model: z.string(), inputTokens: z.int(), outputTokens: z.int(), cachedInputTokens: z.int(), reasoningTokens: z.int(),
      costNanoUsd: NanoUsdText, latencyMs: z.int(), ttfbMs: z.int().nullable(), traceId: Id
    }).nullable()
  })
])
export type TemporaryEvent = z.infer<typeof TemporaryEvent>

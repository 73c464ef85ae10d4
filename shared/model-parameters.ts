import { z } from './zod'
import { storableText } from './json'

/** What a caller names in `model`. */
export const ModelName = storableText(200).trim().min(1)

export const reasoningEfforts = ['low', 'medium', 'high'] as const

/** How a model is asked to answer; what is absent is the model's own default. */
export const ModelParameters = z.strictObject({
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  /** Of the answer, reasoning included. */
  maxTokens: z.int().min(1).max(1_000_000).optional(),
  /** For models that reason; others may refuse it. */
  reasoningEffort: z.enum(reasoningEfforts).optional()
})
export type ModelParameters = z.infer<typeof ModelParameters>

/** The same as fields of a chat completion. */
export function toRequestFields({ temperature, topP, maxTokens, reasoningEffort }: ModelParameters) {
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(reasoningEffort !== undefined && { reasoning_effort: reasoningEffort })
  }
}

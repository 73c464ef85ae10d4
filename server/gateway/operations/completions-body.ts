import { z } from 'zod'
import { ModelName } from './model-name'

/** The API's own default. */
export const DEFAULT_MAX_TOKENS = 16

/** What the road must understand of a completions body. Source: the OpenAI API reference, "Create completion". */
export const CompletionsBody = z.looseObject({
  model: ModelName,
  /** A text, several, the tokens of one, or of several. */
  prompt: z.union([z.string(), z.array(z.string()).min(1), z.array(z.int()).min(1), z.array(z.array(z.int()).min(1)).min(1)]),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().nonnegative().nullish(),
  n: z.int().min(1).max(128).nullish(),
  best_of: z.int().min(1).max(128).nullish()
})
export type CompletionsBody = z.infer<typeof CompletionsBody>

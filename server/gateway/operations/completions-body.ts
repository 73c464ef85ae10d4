import { z } from 'zod'
import { ModelName } from './model-name'
import { TokenList } from './token-list'

/** The API's own default. */
export const DEFAULT_MAX_TOKENS = 16
/** Of a call; each is answered by itself. */
export const MAX_PROMPTS = 2_048

/** What the road must understand of a completions body. Source: the OpenAI API reference, "Create completion". */
export const CompletionsBody = z.looseObject({
  model: ModelName,
  /** A text, several, the tokens of one, or of several; with null the model begins a text of its own. */
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(MAX_PROMPTS), TokenList, z.array(TokenList).min(1).max(MAX_PROMPTS)], { error: `must be a text, an array of up to ${MAX_PROMPTS.toLocaleString('en')} texts, or tokens` }).nullable(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().nonnegative().nullish(),
  n: z.int().min(1).max(128).nullish(),
  best_of: z.int().min(1).max(128).nullish()
})
export type CompletionsBody = z.infer<typeof CompletionsBody>

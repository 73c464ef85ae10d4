import { z } from 'zod'
import { MAX_PARTS } from '../answer-limits'

const tokens = z.int().min(0).nullish()

const Modalities = z.array(z.looseObject({ modality: z.string(), tokenCount: tokens })).max(MAX_PARTS).nullish()

/** Google counts thoughts beside the answer and cached tokens within the prompt. Each report in a stream is cumulative, and leaves out what is zero. */
export const UsageMetadata = z.object({
  promptTokenCount: tokens,
  candidatesTokenCount: tokens,
  thoughtsTokenCount: tokens,
  cachedContentTokenCount: tokens,
  /** What the results of Google's own tools added to the prompt. */
  toolUsePromptTokenCount: tokens,
  promptTokensDetails: Modalities,
  cacheTokensDetails: Modalities,
  candidatesTokensDetails: Modalities
})
export type UsageMetadata = z.infer<typeof UsageMetadata>

/** The same usage as OpenAI tells it, thoughts included in `completion_tokens`. Undefined when the prompt's count is missing. */
export function toChatUsage(usage: UsageMetadata | undefined) {
  if (typeof usage?.promptTokenCount !== 'number') return undefined
  const prompt = usage.promptTokenCount + (usage.toolUsePromptTokenCount ?? 0)
  const reasoning = usage.thoughtsTokenCount ?? 0
  const completion = (usage.candidatesTokenCount ?? 0) + reasoning
  const heard = tokensOf('AUDIO', usage.promptTokensDetails)
  const recalled = tokensOf('AUDIO', usage.cacheTokensDetails)
  const spoken = tokensOf('AUDIO', usage.candidatesTokensDetails)
  const drawn = drawnIn(usage)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: usage.cachedContentTokenCount ?? 0, ...(heard > 0 && { audio_tokens: heard }), ...(recalled > 0 && { cached_tokens_details: { audio_tokens: recalled } }) },
    completion_tokens_details: { reasoning_tokens: reasoning, ...(spoken > 0 && { audio_tokens: spoken }), ...(drawn !== undefined && { text_tokens: completion - spoken - drawn, image_tokens: drawn }) }
  }
}

/** Of the answer, what is pictures; undefined where Google does not tell the kinds apart. What it names no kind of is words beside pictures, else pictures. */
function drawnIn({ candidatesTokenCount, candidatesTokensDetails: details }: UsageMetadata): number | undefined {
  if (!details?.length) return undefined
  const all = candidatesTokenCount ?? 0
  const named = details.reduce((sum, { tokenCount }) => sum + (tokenCount ?? 0), 0)
  return Math.min(all, tokensOf('IMAGE', details) || Math.max(all - named, 0))
}

function tokensOf(kind: 'AUDIO' | 'IMAGE', modalities: z.infer<typeof Modalities>): number {
  return (modalities ?? []).reduce((sum, { modality, tokenCount }) => modality === kind ? sum + (tokenCount ?? 0) : sum, 0)
}

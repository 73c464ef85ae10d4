import type { Model } from '#shared/catalog'

/** About four characters a token, as English has. */
const CHARACTERS_PER_TOKEN = 4
const PRICE_UNIT = 1_000_000n
/** What a thread may take of a model's window; the rest is the answer's, and the oldest messages are left out. */
const QUESTION_SHARE = 0.75

interface Question {
  draft: string
  /** What the thread before it takes. */
  threadTokens: number
  model: Pick<Model, 'price' | 'contextWindow'> | undefined
}

/** What a message will send to the model: tokens, their price without the answer's (null where none is known), and whether all of it fits. */
export function estimateQuestion({ draft, threadTokens, model }: Question): { tokens: number, costNanoUsd: string | null, fits: boolean } {
  const tokens = threadTokens + Math.ceil(draft.length / CHARACTERS_PER_TOKEN)
  const cost = model?.price ? BigInt(tokens) * BigInt(model.price.inputNanoUsd) : null
  return {
    tokens,
    costNanoUsd: cost === null ? null : ((cost + PRICE_UNIT - 1n) / PRICE_UNIT).toString(),
    fits: !model?.contextWindow || tokens <= model.contextWindow * QUESTION_SHARE
  }
}

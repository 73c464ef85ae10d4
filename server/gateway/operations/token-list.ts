import { z } from 'zod'

/** Values in a body of tokens: more than any provider reads at once. */
export const MAX_TOKEN_VALUES = 1_000_000

/** A text as its tokens. Looked at as one value: zod keeps an issue for each element that does not fit, in every option of a union, and a body has room for millions. */
export const TokenList = z.custom<number[]>(isTokenList, 'must be tokens').meta({ type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 })

function isTokenList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(token => Number.isSafeInteger(token) && token >= 0)
}

import { setImmediate } from 'node:timers/promises'

/** Texts beyond this are counted by their length: an exact count is not worth the pause it would cause. */
export const MAX_COUNTED_CHARACTERS = 400_000
const CHARACTERS_PER_TOKEN = 4
/**
 * Cut before white space, where tokens end anyway. The tokenizer takes a word's length squared: one of 400,000 letters would stop the
 * process for minutes.
 */
const PIECES = /[^]{1,256}(?=\s|$)|[^]{1,256}/g
const PIECES_A_TURN = 50

/** The tokenizer: 2 MB of tables, which stop the process for a tenth of a second as they are loaded. */
const tokenizer = () => import('gpt-tokenizer/encoding/o200k_base')

/** Loads what `countTextTokens` needs, so that no call waits for that. */
export async function loadTokenizer(): Promise<void> {
  await tokenizer()
}

/** Counts when a provider told nothing. */
export async function countTextTokens(text: string): Promise<number> {
  if (text.length > MAX_COUNTED_CHARACTERS) return Math.ceil(text.length / CHARACTERS_PER_TOKEN)
  const { countTokens } = await tokenizer()
  let tokens = 0
  for (const [index, piece] of (text.match(PIECES) ?? []).entries()) {
    if (index > 0 && index % PIECES_A_TURN === 0) await setImmediate()
    tokens += countTokens(piece, { allowedSpecial: 'all' })
  }
  return tokens
}

import type { Target } from '../catalog/target'
import { computeCost } from '../billing/compute-cost'
import type { Price } from '../billing/price'
import { larger } from '../utils/larger'
import type { CloserLook } from './closer-look'
import { boundCost, TOKENS_PER_MEDIUM } from './estimate-cost'
import type { TokenBounds } from './estimate-cost'
import type { CallRequest, CountedRequest } from './operations/operation'

/** Below this an answer is not worth having: the call is refused rather than cut. */
const LEAST_ANSWER_TOKENS = 256
/** What an answer without a cap of the caller's gets where the funds reach; beyond it, it leaves the greater part to other calls. */
const DECENT_ANSWER_TOKENS = 4_096
const SHARE_OF_FUNDS = 4
/** No tokenizer of today makes twice as many tokens of a text as OpenAI's. Source: Anthropic's migration guides, which tell of 1.35 at most. */
const FOREIGN_TOKENIZER_FACTOR = 2
/** What a text that is counted in pieces, and framing that nobody sees, add to the count. */
const OWN_TOKENIZER_FACTOR = 1.1
const FRAMING_TOKENS = 200
/** Of an image, with any model but gpt-4o-mini. Source: the vision guides of OpenAI, Anthropic and Google, read 2026-11. */
const TOKENS_PER_IMAGE = 10_000
/** Of ordinary text; a prompt of spaces may have more, and is not worth the counting. */
const MOST_BYTES_PER_TOKEN = 16

export interface BoundTarget { target: Target, tokens: TokenBounds }

/** What the org is charged for what a provider asks at a target, nano-USD. */
type Charge = (raw: bigint, target: Target) => bigint

/** What a call is held for when the wallet has less than its upper bound. */
export interface Offer {
  amount: bigint
  /** The cap on the answer that the amount pays for; undefined when the call's own stands. */
  maxOutputTokens: number | undefined
}

/** A target with a price, and whether tokens may be written to its provider's cache. */
type PricedTarget = BoundTarget & { price: Price, isCached: boolean }

/**
 * Looks closer at a call that the wallet cannot cover at its upper bound: counts its prompt instead of its bytes, has its provider count what we cannot, and what
 * would be refused by our own count, and, unless the caller chose a cap, caps the answer at what the funds pay, leaving room for other calls. Undefined when even that is too much.
 * See docs/decisions/2026-11-21-holds-fit-the-funds.md.
 * @param available what the wallet has, nano-USD
 */
export async function fitToFunds(request: CallRequest, bounds: readonly BoundTarget[], charge: Charge, available: bigint, look: CloserLook): Promise<Offer | undefined> {
  const priced = bounds.flatMap(({ target, tokens }) => target.price ? [{ target, tokens, price: target.price, isCached: mayBeCached(request, target) }] : [])
  // Counting takes time: not for a wallet that even long words would exceed.
  if (priced.some(({ target, tokens, price }) => charge(computeCost({ inputTokens: Math.floor((tokens.likelyInputTokens ?? tokens.inputTokens) / MOST_BYTES_PER_TOKEN), outputTokens: 1 }, price), target) > available)) return undefined
  const fit = (bounds: readonly PricedTarget[]) => fitBounds(request, bounds, charge, available)
  const closer = await Promise.all(priced.map(async bound => ({ ...bound, tokens: await closeIn(bound, look) })))
  const offer = fit(closer)
  // Nor is anybody asked what could not help: a provider makes no half of the tokens that our count bounds.
  if (offer || !fit(closer.map(bound => ({ ...bound, tokens: { ...bound.tokens, inputTokens: Math.ceil(bound.tokens.inputTokens / FOREIGN_TOKENIZER_FACTOR) } })))) return offer
  return fit(await Promise.all(closer.map(async bound => ({ ...bound, tokens: await asTold(bound, look) }))))
}

/** What the call is held for within its bounds, capped where its caller chose no cap. */
function fitBounds(request: CallRequest, bounds: readonly PricedTarget[], charge: Charge, available: bigint): Offer | undefined {
  const amountOf = (maxOutputTokens: number) => dearest(bounds.map(({ target, tokens, price, isCached }) =>
    charge(boundCost({ ...tokens, outputTokens: Math.min(tokens.outputTokens, maxOutputTokens * (tokens.answers ?? 1)) }, price, isCached), target)))
  const full = Math.max(...bounds.map(({ tokens }) => Math.ceil(tokens.outputTokens / (tokens.answers ?? 1))))
  const whole = amountOf(full)
  if (whole <= available) return { amount: whole, maxOutputTokens: undefined }
  if (!request.limitOutput || request.askedOutputTokens !== undefined) return undefined
  const affordable = largest(full, cap => amountOf(cap) <= available)
  if (affordable < LEAST_ANSWER_TOKENS) return undefined
  const maxOutputTokens = Math.max(Math.min(affordable, DECENT_ANSWER_TOKENS), Math.floor(affordable / SHARE_OF_FUNDS))
  return { amount: amountOf(maxOutputTokens), maxOutputTokens }
}

/** What is not in the body, no look at that tells. A provider is asked at once for what our own count does not bound, such as the pages of a PDF. */
async function closeIn({ target, tokens }: BoundTarget, look: CloserLook): Promise<TokenBounds> {
  const counted = tokens.isElsewhere ? undefined : await look.ours()
  return counted ? within(tokens, withMargin(target, counted)) : asTold({ target, tokens }, look)
}

/** By its provider's count, where that is of all it reads. */
async function asTold({ target, tokens }: BoundTarget, look: CloserLook): Promise<TokenBounds> {
  const told = tokens.isElsewhere && !tokens.isKept ? undefined : await look.theirs(target)
  return told === undefined ? tokens : within(tokens, Math.ceil(told * OWN_TOKENIZER_FACTOR) + FRAMING_TOKENS)
}

/** Anthropic writes to its cache what is marked for it alone. A name in JSON may be written in escapes; a text that speaks of it is taken for a mark. */
function mayBeCached({ raw }: CallRequest, { connection: { kind } }: Target): boolean {
  return kind !== 'anthropic' || ['cache_control', '\\u005', '\\u006', '\\u007'].some(mark => raw.includes(mark))
}

function within(tokens: TokenBounds, promptTokens: number): TokenBounds {
  return { ...tokens, inputTokens: Math.min(tokens.inputTokens, promptTokens * (tokens.readings ?? 1)) }
}

/** Each provider counts with a tokenizer of its own. */
function withMargin(target: Target, counted: CountedRequest): number {
  const factor = target.connection.kind === 'openai' || target.connection.kind === 'azure' ? OWN_TOKENIZER_FACTOR : FOREIGN_TOKENIZER_FACTOR
  const perImage = target.servedModel.includes('gpt-4o-mini') ? TOKENS_PER_MEDIUM : TOKENS_PER_IMAGE
  return Math.ceil(counted.tokens * factor) + FRAMING_TOKENS + counted.images * perImage + counted.soundTokens
}

function dearest(amounts: readonly bigint[]): bigint {
  return amounts.reduce(larger, 0n)
}

/** The largest whole number up to `limit` that `fits`, which holds for all below one that does; 0 when none does. */
function largest(limit: number, fits: (value: number) => boolean): number {
  let low = 0
  let high = limit
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

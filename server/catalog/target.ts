import type { RouteStrategy } from '../../shared/model-routes'
import type { NanoUsd } from '../../shared/money'
import type { UnitRates } from '../billing/units'
import type { Connection, Provider } from '../gateway/providers/provider'

/** Nano-USD per million tokens. A price left out means that the plainer one counts: of a long write that of any write, of a cache or of sound that of input or output. */
export interface Rates {
  inputPrice: NanoUsd
  outputPrice: NanoUsd
  /** Of what is known to be text, where pictures among the input cost more. */
  textInputPrice?: NanoUsd
  cachedInputPrice?: NanoUsd
  cacheWritePrice?: NanoUsd
  /** Of tokens written to be kept for an hour rather than minutes. */
  longCacheWritePrice?: NanoUsd
  /** Of sound, where it differs from text. */
  audioInputPrice?: NanoUsd
  audioOutputPrice?: NanoUsd
}

/** What a model costs now, and where that is known from: `override:<row id>`, `catalog:<version>`, `published` (what the provider says, noted in our own code) or `demo`. */
export interface Price extends Rates {
  source: string
  /** Rates for a whole call whose input is longer than `aboveInputTokens`; ascending. */
  tiers?: readonly (Rates & { aboveInputTokens: number })[]
  /** What is priced by other units, beside the tokens. */
  units?: UnitRates | undefined
  /** Its tokens cost nothing because the model is priced by `units`, not because they are free. */
  byUnitsAlone?: true
}

/** One way to answer a call: everything the route and call steps need, nothing left to look up. */
export interface Target {
  connection: Connection
  provider: Provider
  /** What the provider calls the model. */
  upstreamModel: string
  /** Undefined: unknown. Never zero by omission. */
  price: Price | undefined
  /** Tokens of prompt and answer together, if known. */
  contextWindow?: number
  /** The most tokens the model can write, if known. */
  maxOutputTokens?: number
  /** The most it writes when the caller sets no limit, where that is less. */
  defaultOutputTokens?: number
  /** Tried in ascending order. */
  priority: number
  /** How its route chooses among targets of the same priority. */
  strategy: RouteStrategy
  /** The share among targets of equal priority, where the strategy is `weighted`. */
  weight: number
  /** Until its answer begins (a stream) or is whole, ms; null: as long as any call may wait. */
  timeoutMs: number | null
  /** Further attempts on it; null: as configured for all. */
  retries: number | null
}

import type { NanoUsd } from '../../shared/money'
import type { UnitRates } from './units'

/** Nano-USD per million tokens. A price left out means that the plainer one counts: of a long write that of any write, of a cache or of sound that of input or output. */
export interface Rates {
  inputPrice: NanoUsd
  outputPrice: NanoUsd
  /** Of what is known to be text, where pictures among the input cost more. */
  textInputPrice?: NanoUsd
  /** Of what is known to be words or thoughts, where pictures in the answer cost more. */
  textOutputPrice?: NanoUsd
  cachedInputPrice?: NanoUsd
  cacheWritePrice?: NanoUsd
  /** Of tokens written to be kept for an hour rather than minutes. */
  longCacheWritePrice?: NanoUsd
  /** Of sound, where it differs from text. */
  audioInputPrice?: NanoUsd
  /** Of sound that is read from a cache; left out, that costs what other sound does. */
  cachedAudioInputPrice?: NanoUsd
  audioOutputPrice?: NanoUsd
}

/** Of them, those of sound. */
export type SoundRates = Pick<Rates, 'audioInputPrice' | 'cachedAudioInputPrice' | 'audioOutputPrice'>

/** What a model costs now, and where that is known from: `override:<row id>`, `catalog:<version>`, `published` (what the provider says, noted in our own code) or `demo`. */
export interface Price extends Rates {
  source: string
  /** Rates for a whole call whose input is longer than `aboveInputTokens`; ascending. */
  tiers?: readonly (Rates & { aboveInputTokens: number })[]
  /** What is priced by other units, beside the tokens. */
  units?: UnitRates | undefined
  /** Its tokens cost nothing because the model is priced by `units`, not because they are free. */
  byUnitsAlone?: true
  /** The provider tells in each answer what it charged for it: where that is more than the tokens cost here, it is what the answer cost. */
  tellsCost?: true
  /** The provider bills more than is priced here with every call: only who pays neither from a wallet nor from a budget may use the model at this price. */
  isPartial?: true
}

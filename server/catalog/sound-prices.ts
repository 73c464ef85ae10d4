import type { Price, SoundRates } from '../billing/price'

const dollars = (input: bigint, output: bigint): SoundRates => ({ audioInputPrice: input * 1_000_000_000n, audioOutputPrice: output * 1_000_000_000n })

/**
 * Models whose words alone the packaged catalogue prices, by what their names begin with. Sources, read 2026-11:
 * https://developers.openai.com/api/docs/models/gpt-4o-audio-preview and gpt-4o-mini-audio-preview. The first snapshot cost two and a half
 * times as much: https://huggingface.co/spaces/noumanjavaid/pricing.
 */
const published: readonly (readonly [prefix: string, SoundRates])[] = [
  ['gpt-4o-audio-preview-2024-10-01', dollars(100n, 200n)],
  ['gpt-4o-audio-preview', dollars(40n, 80n)],
  ['gpt-4o-mini-audio', dollars(10n, 20n)]
]

/** Of models that hear or speak at a price of its own, which neither the catalogue nor we know: Mistral's Voxtral is billed by the minute beside its tokens. */
const hearing = /audio|voxtral/

/** The price of a model's sound where the catalogue has that of its words alone. */
export function findSoundRates(model: string): SoundRates | undefined {
  return published.find(([prefix]) => model.startsWith(prefix))?.[1]
}

/** A price of words with that of sound. Sound costs many times what words do: a model that by its name may bring some, at a price nobody knows, has none that is whole. */
export function withSound(price: Price, sound: SoundRates | undefined, model: string): Price {
  if (price.byUnitsAlone || price.audioInputPrice !== undefined || price.audioOutputPrice !== undefined) return price
  if (sound) return { ...price, ...sound }
  return hearing.test(model) ? { ...price, isPartial: true } : price
}

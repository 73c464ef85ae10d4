import type { SoundRates } from '../billing/price'

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

/** Whether a model, by its name, may bring sound that costs more than its words. */
export function mayHear(model: string): boolean {
  return hearing.test(model)
}

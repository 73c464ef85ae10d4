/** First match counts, so the narrower name comes first. Source: the model pages of OpenAI's API reference, read 2026-11. */
const openAiLimits: readonly (readonly [prefix: string, maxOutputTokens: number])[] = [
  ['gpt-4o-transcribe', 2_000],
  ['gpt-4o-mini-transcribe', 2_000],
  ['gpt-3.5', 4_096],
  ['gpt-4-turbo', 4_096],
  ['gpt-4o-2024-05-13', 4_096],
  ['gpt-4o', 16_384],
  ['chatgpt-4o', 16_384],
  ['gpt-4.1', 32_768],
  ['gpt-4.5', 16_384],
  ['gpt-4', 8_192],
  ['gpt-5-chat', 16_384],
  ['gpt-5.1-chat', 16_384],
  ['gpt-5.2-chat', 16_384],
  ['gpt-5', 128_000],
  ['gpt-6', 128_000],
  ['o1-preview', 32_768],
  ['o1-mini', 65_536],
  ['o1', 100_000],
  ['o3', 100_000],
  ['o4', 100_000]
]

/** The most tokens an OpenAI model can write, wherever it is hosted; undefined when unknown. */
export function openAiOutputLimit(model: string): number | undefined {
  return openAiLimits.find(([prefix]) => model.startsWith(prefix))?.[1]
}

/** The window of models of which the packaged catalogue does not tell it, and which may be sent far more than they read. */
export function openAiWindow(model: string): number | undefined {
  return /^gpt-4o-(?:mini-)?transcribe/.test(model) ? 16_000 : undefined
}

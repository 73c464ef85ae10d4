import type { ProviderKind } from '../../shared/catalog'

// Sources: the providers' lists of models, 2026-11.
const seeing = /^(?:chatgpt-|gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|o[1345](?!-mini)|o4-mini|gemini-)|^claude-(?!v?[12])|vision|llava|pixtral|[-_]vl\b|gemma-?3|llama-?4/i
const blind = /^(?:gpt-3\.5|gpt-4(?:-0613|-32k)?$|o1-mini|o3-mini|claude-v?[12]|deepseek|codestral)/i

/** Whether a model takes images, as its name tells it; undefined where it does not tell. */
export function seesImages(kind: ProviderKind, upstreamModel: string): boolean | undefined {
  if (kind === 'demo') return false
  const name = upstreamModel.split('/').at(-1) ?? upstreamModel
  return blind.test(name) ? false : seeing.test(name) ? true : undefined
}

import type { ProviderKind } from '../../shared/catalog'
import { claudeThinks } from '../gateway/providers/anthropic-model'
import { geminiThinks } from '../gateway/providers/google-model'

/** What a model can do beside reading and writing text. What is undefined is not known. */
export interface ModelAbilities {
  /** Sees images. */
  vision?: boolean | undefined
  /** Calls tools. */
  tools?: boolean | undefined
  /** Thinks before it answers. */
  reasoning?: boolean | undefined
}

interface Told { yes: RegExp, no: RegExp }

// What a name tells, the `no` first. Sources: the providers' lists of models, 2026-11.
const told: Record<keyof ModelAbilities, Told> = {
  vision: {
    yes: /^(?:chatgpt-|gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|o[1345](?!-mini)|o4-mini|gemini-)|^claude-(?!v?[12])|vision|llava|pixtral|[-_]vl\b|gemma-?3|llama-?4/i,
    no: /^(?:gpt-3\.5|gpt-4(?:-0613|-32k)?$|o1-mini|o3-mini|claude-v?[12]|deepseek|codestral)/i
  },
  tools: {
    yes: /^(?:gpt-3\.5-turbo|gpt-4|gpt-[5-9]|gpt-oss|o[1345]|gemini-|grok-|command-[ar]|qwen-?(?:2\.5|3)|mi[sn]istral-|magistral|devstral|llama-?(?:3\.[1-9]|4)|deepseek-(?:chat|v3))|^claude-(?!v?[12])/i,
    no: /^(?:chatgpt-4o|o1-mini|o1-preview|gpt-4-vision|gpt-3\.5-turbo-instruct|claude-v?[12]|llava|gemma-?[12]\b|llama-?2)/i
  },
  reasoning: {
    yes: /^(?:o[1345]|gpt-[5-9]|gpt-oss|grok-(?:3-mini|4)|qwq|qwen-?3|magistral)|deepseek-(?:r1|reasoner)|reasoning|thinking/i,
    no: /^(?:chatgpt-|gpt-3\.5|gpt-4|gpt-[5-9](?:\.\d+)?-chat|qwen-?2|llama-?[234]|mi[sn]istral-|codestral|command-[ar]|gemma|llava|deepseek-(?:chat|coder))|non-reasoning|instruct/i
  }
}

/** As far as the model's name tells it. */
export function abilitiesOf(kind: ProviderKind, upstreamModel: string): ModelAbilities {
  if (kind === 'demo') return { vision: false, tools: true, reasoning: upstreamModel === 'demo-reasoning' }
  const name = upstreamModel.split('/').at(-1) ?? upstreamModel
  const tells = ({ yes, no }: Told) => no.test(name) ? false : yes.test(name) ? true : undefined
  return { vision: tells(told.vision), tools: tells(told.tools), reasoning: claudeThinks(name) ?? geminiThinks(name) ?? tells(told.reasoning) }
}

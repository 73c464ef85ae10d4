import { z } from 'zod'
import { fieldOf } from '../field-of'

type Body = Readonly<Record<string, unknown>>

/** Tools that the caller of a chat runs itself. */
const chatTools: ReadonlySet<string> = new Set(['function', 'custom'])

/**
 * Fields of OpenAI's formats that ask for a search, or another service that is billed by use, as OpenAI, OpenRouter, xAI and Alibaba call them. What a preset of OpenRouter's brings, tools that run
 * there and other models among it, is known to its account alone. Source: https://openrouter.ai/docs/guides/features/presets, read 2026-11.
 */
const billedFields = ['web_search_options', 'plugins', 'preset', 'search_parameters', 'enable_search'] as const

/** Tiers at the plain rate, or below it. Sources: the OpenAI API reference, `service_tier`; Groq, "Service Tiers" and "Flex Processing"; read 2026-11. */
const plainTiers: ReadonlySet<unknown> = new Set(['auto', 'default', 'standard', 'on_demand', 'flex'])

/**
 * What a call cannot be charged for, as a refusal names it: a feature billed by use, or a dearer service tier.
 * @param ownTools types of tools that the caller runs itself
 */
export function findUnpriced(body: Body, ownTools = chatTools): string | undefined {
  const used = findBilledByUse(body, ownTools)
  if (used) return used
  return isDearer(body.service_tier) ? 'The service_tier that was asked for' : undefined
}

/** What an answer's tokens, at our price, do not pay for. */
export type Surcharge = 'service_tier' | 'tools' | 'inference_geo' | 'speed'

/** Where and how fast Claude answers for its tokens' price; models that know no choice say so. Source: Anthropic's documentation, "Data residency" and "Fast mode"; read 2026-11. */
const plainGeos: ReadonlySet<unknown> = new Set(['global', 'not_available'])

/**
 * Of an answer whose request showed nothing of the kind: a prompt kept at OpenAI may bring tools, a project there may have a dearer
 * tier for `auto`, and a workspace at Anthropic a geography. An answer tells the tier it was given, a response its tools, and Claude the rest in its usage.
 */
export function findSurcharge(answer: Body, ownTools = chatTools): Surcharge | undefined {
  if (hostedTool(answer.tools, ownTools) !== undefined) return 'tools'
  if (isDearer(answer.service_tier)) return 'service_tier'
  const [geo, speed] = [fieldOf(answer.usage, 'inference_geo'), fieldOf(answer.usage, 'speed')]
  if (typeof geo === 'string' && !plainGeos.has(geo)) return 'inference_geo'
  return typeof speed === 'string' && speed !== 'standard' ? 'speed' : undefined
}

function isDearer(tier: unknown): boolean {
  return tier !== undefined && tier !== null && !plainTiers.has(tier)
}

/** Of these, what the provider runs itself: it reads more than the body, too. */
export function findBilledByUse(body: Body, ownTools = chatTools): string | undefined {
  const tool = hostedTool(body.tools, ownTools)
  if (tool !== undefined) return `The tool "${tool}", which the provider runs and bills by use,`
  const field = billedFields.find(name => isAsked(name, body[name]))
  return field && `The field "${field}", for which the provider may bill by use,`
}

function hostedTool(tools: unknown, ownTools: ReadonlySet<string>): string | undefined {
  if (!Array.isArray(tools)) return undefined
  return tools.map(tool => ({ type: typeOf(tool), tool })).find(({ type, tool }) => !ownTools.has(type) || isHostedSearch(tool))?.type
}

/** A search among the caller's tools that the provider runs; Codex runs its own, where there are many. */
export function isHostedSearch(tool: unknown): boolean {
  return fieldOf(tool, 'type') === 'tool_search' && fieldOf(tool, 'execution') !== 'client'
}

/**
 * Google's tools have no type but the name of their field, and servers that take them (LiteLLM) leave out a type beside it:
 * `{"type": "function", "googleSearch": {}}`. A function may come without its type, and flat.
 */
function typeOf(tool: unknown): string {
  if (typeof tool !== 'object' || tool === null) return 'function'
  const type = 'type' in tool && typeof tool.type === 'string' ? tool.type : 'function'
  if (!chatTools.has(type) || 'function' in tool || 'custom' in tool || 'name' in tool) return type
  return Object.keys(tool).find(key => key !== 'type') ?? type
}

const unasked = (name: string) => z.unknown().refine(value => !isAsked(name, value), 'asks for a service that is not offered by this provider, or not in this format').optional()

/** The same fields in a format that has no word for them: left out where they ask for nothing, and refused where they do. */
export const unaskedServices = { web_search_options: unasked('web_search_options'), plugins: unasked('plugins'), preset: unasked('preset'), search_parameters: unasked('search_parameters'), enable_search: unasked('enable_search') } satisfies Record<typeof billedFields[number], z.ZodType>

/** An empty list asks for nothing, and xAI's parameters may say so, too. */
function isAsked(name: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  const isOff = name === 'search_parameters' && fieldOf(value, 'mode') === 'off'
  return Boolean(value) && !isOff
}

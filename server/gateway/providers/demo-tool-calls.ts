import { contentText } from './chat-request'
import type { ChatRequest, ChatTool } from './chat-request'

type Schema = Readonly<Record<string, unknown>>

/** Of a prompt, as much as is looked through for names and values. */
const READ_CHARACTERS = 20_000

/** What a prompt has for the texts and numbers that a schema asks for. */
export interface Samples { text: string, number: number }

/** The tools the demo model calls: those a `tool_choice` demands, else those whose name the last user message mentions. */
export function chooseTools(request: ChatRequest): ChatTool[] {
  const { tools, tool_choice: choice } = request
  if (!tools?.length || choice === 'none' || request.messages.at(-1)?.role !== 'user') return []
  if (typeof choice === 'object' && choice) return tools.filter(tool => tool.function.name === choice.function.name)
  const words = plainWords(lastUserText(request).slice(0, READ_CHARACTERS))
  const named = tools.filter(tool => words.includes(plainWords(tool.function.name)))
  const chosen = named.length === 0 && choice === 'required' ? tools.slice(0, 1) : named
  return request.parallel_tool_calls === false ? chosen.slice(0, 1) : chosen
}

export function lastUserText({ messages }: ChatRequest): string {
  const last = messages.findLast(message => message.role === 'user')
  return last ? contentText(last.content) : ''
}

/** `get_weather`, `getWeather` and "get weather" are the same name. Padded, so that only whole words match. */
function plainWords(text: string): string {
  return ` ${text.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()} `
}

/** Once for a prompt, however many values are asked for. */
export function readSamples(prompt: string): Samples {
  const start = prompt.slice(0, READ_CHARACTERS)
  return { text: sampleText(start), number: Number(/-?\d+(?:\.\d+)?/.exec(start)?.[0] ?? 1) }
}

/** A value that fits a JSON schema, filled from a prompt's `samples` where a text or a number is asked for. Follows the schema's own examples first. */
export function sampleValue(schema: Schema, samples: Samples, depth = 0): unknown {
  if ('const' in schema) return schema.const
  if ('default' in schema) return schema.default
  for (const choices of [schema.enum, schema.examples]) if (Array.isArray(choices) && choices.length > 0) return choices[0]
  const variants = schema.anyOf ?? schema.oneOf
  if (Array.isArray(variants) && isSchema(variants[0]) && depth < 8) return sampleValue(variants[0], samples, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type ?? (schema.properties ? 'object' : 'string')
  if (type === 'object') return sampleObject(schema, samples, depth)
  if (type === 'array') return isSchema(schema.items) && depth < 8 ? [sampleValue(schema.items, samples, depth + 1)] : []
  if (type === 'boolean') return true
  if (type === 'null') return null
  if (type === 'integer') return Math.trunc(samples.number)
  return type === 'number' ? samples.number : samples.text
}

function sampleObject(schema: Schema, samples: Samples, depth: number): Record<string, unknown> {
  const properties = isSchema(schema.properties) && depth < 8 ? schema.properties : {}
  const required: ReadonlySet<unknown> = new Set(Array.isArray(schema.required) ? schema.required : Object.keys(properties))
  const wanted = Object.entries(properties).filter(([name]) => required.has(name))
  return Object.fromEntries(wanted.map(([name, property]) => [name, sampleValue(isSchema(property) ? property : {}, samples, depth + 1)]))
}

/** What the prompt quotes, else what follows its last "in", "for" or "of", else its start. */
function sampleText(prompt: string): string {
  const quoted = /["“'`]([^"”'`]{1,80})["”'`]/.exec(prompt)?.[1]
  const object = [...prompt.matchAll(/\b(?:in|for|of|about)\s+(?=([^.?!,\n]{1,80}))/gu)].at(-1)?.[1]
  return (quoted ?? object ?? prompt.slice(0, 80)).trim()
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

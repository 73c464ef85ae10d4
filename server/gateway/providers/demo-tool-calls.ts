import { contentText } from './chat-request'
import type { ChatRequest, ChatTool } from './chat-request'

type Schema = Readonly<Record<string, unknown>>

/** The tools the demo model calls: those a `tool_choice` demands, else those whose name the last user message mentions. */
export function chooseTools(request: ChatRequest): ChatTool[] {
  const { tools, tool_choice: choice } = request
  if (!tools?.length || choice === 'none' || request.messages.at(-1)?.role !== 'user') return []
  if (typeof choice === 'object' && choice) return tools.filter(tool => tool.function.name === choice.function.name)
  const words = plainWords(lastUserText(request))
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

/** A value that fits a JSON schema, filled from `prompt` where a text or a number is asked for. Follows the schema's own examples first. */
export function sampleValue(schema: Schema, prompt: string, depth = 0): unknown {
  if ('const' in schema) return schema.const
  if ('default' in schema) return schema.default
  for (const choices of [schema.enum, schema.examples]) if (Array.isArray(choices) && choices.length > 0) return choices[0]
  const variants = schema.anyOf ?? schema.oneOf
  if (Array.isArray(variants) && isSchema(variants[0]) && depth < 8) return sampleValue(variants[0], prompt, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type ?? (schema.properties ? 'object' : 'string')
  if (type === 'object') return sampleObject(schema, prompt, depth)
  if (type === 'array') return isSchema(schema.items) && depth < 8 ? [sampleValue(schema.items, prompt, depth + 1)] : []
  if (type === 'boolean') return true
  if (type === 'null') return null
  const number = Number(/-?\d+(?:\.\d+)?/.exec(prompt)?.[0] ?? 1)
  if (type === 'integer') return Math.trunc(number)
  return type === 'number' ? number : sampleText(prompt)
}

function sampleObject(schema: Schema, prompt: string, depth: number): Record<string, unknown> {
  const properties = isSchema(schema.properties) && depth < 8 ? schema.properties : {}
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : Object.keys(properties)
  const wanted = Object.entries(properties).filter(([name]) => required.includes(name))
  return Object.fromEntries(wanted.map(([name, property]) => [name, sampleValue(isSchema(property) ? property : {}, prompt, depth + 1)]))
}

/** What the prompt quotes, else what follows its last "in", "for" or "of", else its start. */
function sampleText(prompt: string): string {
  const quoted = /["“'`]([^"”'`]{1,80})["”'`]/.exec(prompt)?.[1]
  const object = /.*\b(?:in|for|of|about)\s+([^.?!,\n]{1,80})/su.exec(prompt)?.[1]
  return (quoted ?? object ?? prompt.slice(0, 80)).trim()
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

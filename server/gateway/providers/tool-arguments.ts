import { parseJson } from '../../../shared/parse-json'
import { LoomError } from '../../errors'

/**
 * The arguments of a tool call, which the OpenAI format writes as text, as the object they are.
 * @throws {LoomError} `invalid_request` naming `param` when they are no JSON object
 */
export function readToolArguments(text: string, param: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text || '{}')
  if (isObject(value)) return value
  throw new LoomError('invalid_request', `${param}: must be a JSON object.`, { param })
}

/** Whether arguments of a call are such an object, which not every provider takes anything but. */
export function areToolArguments(text: string): boolean {
  return isObject(parseJson(text || '{}'))
}

/** What a tool answered, as an object: its own where its text is one, else `{ "result": text }`. */
export function readToolResult(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text)
  return isObject(value) ? value : { result: value === undefined ? text : value }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

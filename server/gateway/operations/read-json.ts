import type { z } from 'zod'
import { LoomError } from '../../errors'
import { splitAlternatives } from '../requested-models'
import { fieldOf } from '../field-of'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** A body, the models to try after its own, and its `metadata` as it came. */
export interface ModelRequest<Body> { body: Body, alternatives: readonly string[] | undefined, metadata: unknown }

/** Values in a body of messages: far more than any conversation has. Looking at each takes microseconds, and a body has room for millions. */
export const MAX_PROMPT_VALUES = 100_000
/** A value and what parts it from the next. */
const LEAST_BYTES_A_VALUE = 2

/**
 * A request's body, whatever is in it.
 * @param maxValues how many values it may have, at all depths
 * @throws {LoomError} `invalid_request` for what is no JSON, and for more values
 */
export function readJson(raw: Buffer, maxValues = MAX_PROMPT_VALUES): unknown {
  const json = parseJson(raw)
  if (raw.length > maxValues * LEAST_BYTES_A_VALUE) requireFewValues(json, maxValues)
  return json
}

/**
 * A body as `schema` reads it, and the models to try after its own: `models` as on OpenRouter.
 * @throws {LoomError} `invalid_request` naming the first field at fault
 */
export function readModelRequest<Body>(json: unknown, schema: z.ZodType<Body>): ModelRequest<Body> {
  const { body, alternatives } = splitAlternatives(json)
  const metadata = fieldOf(body, 'metadata')
  return { body: parseBody(body, schema), alternatives, metadata }
}

/**
 * How many values JSON has, at all depths, with those `seen` before it.
 * @throws {LoomError} `invalid_request` for more than `max`
 */
export function requireFewValues(json: unknown, max: number, seen = 0): number {
  // Not by recursion: it may be nested deeper than the stack is.
  const left = [json]
  let values = seen
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    const items: unknown[] = Array.isArray(value) ? value : Object.values(value)
    values += items.length
    if (values > max) throw new LoomError('invalid_request', `The request body has more than ${max.toLocaleString('en')} values.`)
    for (const item of items) if (typeof item === 'object') left.push(item)
  }
  return values
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(raw))
  } catch (cause) {
    throw new LoomError('invalid_request', 'The request body is not valid JSON in UTF-8.', { cause })
  }
}

/** @throws {LoomError} `invalid_request` naming the first field at fault */
export function parseBody<Body>(json: unknown, schema: z.ZodType<Body>): Body {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') || undefined
  throw new LoomError('invalid_request', param ? `Invalid "${param}": ${issue?.message}.` : 'The request body must be a JSON object.', { param })
}

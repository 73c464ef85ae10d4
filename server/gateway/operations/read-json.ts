import type { z } from 'zod'
import { LoomError } from '../../errors'
import { splitAlternatives } from '../requested-models'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** A body, the models to try after its own, and its `metadata` as it came. */
export interface ModelRequest<Body> { body: Body, alternatives: readonly string[] | undefined, metadata: unknown }

/**
 * A request's body as `schema` reads it, and the models to try after its own: `models` as on OpenRouter.
 * @throws {LoomError} `invalid_request` naming the first field at fault
 */
export function readModelRequest<Body>(raw: Buffer, schema: z.ZodType<Body>): ModelRequest<Body> {
  const { body, alternatives } = splitAlternatives(parseJson(raw))
  const metadata = typeof body === 'object' && body !== null && 'metadata' in body ? body.metadata : undefined
  return { body: parseBody(body, schema), alternatives, metadata }
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(raw))
  } catch (cause) {
    throw new LoomError('invalid_request', 'The request body is not valid JSON in UTF-8.', { cause })
  }
}

function parseBody<Body>(json: unknown, schema: z.ZodType<Body>): Body {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') || undefined
  throw new LoomError('invalid_request', param ? `Invalid "${param}": ${issue?.message}.` : 'The request body must be a JSON object.', { param })
}

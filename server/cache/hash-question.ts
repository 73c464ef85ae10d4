import { createHash } from 'node:crypto'

/** Fields that change nothing about an answer: the model stands in the targets, the others name the end user or are for the provider's books. */
const IRRELEVANT = new Set(['model', 'models', 'user', 'safety_identifier', 'prompt_cache_key', 'metadata'])

/** All that an answer depends on. */
export interface Question {
  operation: string
  /** Where the call may go: a route that leads elsewhere now asks another question. */
  targets: readonly { connection: { id: string }, upstreamModel: string }[]
  /** A limit from outside the body; null for none. */
  maxOutputTokens: number | null
  stream: boolean
  /** Those that go to a provider with the body: they choose features. */
  headers?: Readonly<Record<string, string>> | undefined
  /** As it came. */
  body: Buffer
}

/**
 * SHA-256 (hex) of a question; the order of fields, whitespace and fields without effect do not count. Undefined for a body that is no JSON
 * object, or a too deep one: such answers are not cached.
 */
export function hashQuestion({ operation, targets, maxOutputTokens, stream, headers, body }: Question): string | undefined {
  const json: unknown = parseJson(body)
  if (typeof json !== 'object' || json === null) return undefined
  const asked = Object.fromEntries(Object.entries(json).filter(([name]) => !IRRELEVANT.has(name) && name !== 'stream'))
  const places = targets.map(({ connection, upstreamModel }) => `${connection.id} ${upstreamModel}`).sort()
  const named = headers && Object.keys(headers).length > 0 ? [canonical(headers)] : []
  try {
    return createHash('sha256').update(JSON.stringify([operation, places, maxOutputTokens, stream, canonical(asked), ...named])).digest('hex')
  } catch (error) {
    // Nested too deeply to be walked.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  // Told apart from an array of the same.
  return { fields: Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, item]) => [name, canonical(item)]) }
}

/** Undefined for what is not JSON. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

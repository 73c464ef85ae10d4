import { createHash } from 'node:crypto'
import { parseJson } from '../../shared/parse-json'
import type { Target } from '../catalog/target'

/** Fields that change nothing about an answer: the model stands in the targets, the others name the end user or are for the provider's books. */
const IRRELEVANT = new Set(['model', 'models', 'user', 'safety_identifier', 'prompt_cache_key', 'metadata'])

/** What of a target an answer depends on: a connection that was changed gives others. */
type Place = Pick<Target, 'requestedModel' | 'upstreamModel' | 'servedModel' | 'priority' | 'strategy'> & { connection: Pick<Target['connection'], 'id' | 'baseUrl' | 'config'> }

/** All that an answer depends on. */
export interface Question {
  operation: string
  /** Where the call may go, in the order it is tried: a route that leads elsewhere now asks another question. */
  targets: readonly Place[]
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
  const json = parseJson(body.toString('utf8'))
  if (typeof json !== 'object' || json === null) return undefined
  const asked = Object.fromEntries(Object.entries(json).filter(([name]) => !IRRELEVANT.has(name) && name !== 'stream'))
  const named = headers && Object.keys(headers).length > 0 ? [canonical(headers)] : []
  try {
    return createHash('sha256').update(JSON.stringify([operation, placesOf(targets), maxOutputTokens, stream, canonical(asked), ...named])).digest('hex')
  } catch (error) {
    // Nested too deeply to be walked.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** In their order, but for those among which dice, prices or measurements choose anew for each call. */
function placesOf(targets: readonly Place[]): string[][] {
  const groups: string[][] = []
  for (const [index, target] of targets.entries()) {
    const { requestedModel, priority, strategy, upstreamModel, servedModel, connection: { id, baseUrl, config } } = target
    const place = JSON.stringify([id, baseUrl, canonical(config), upstreamModel, servedModel])
    const [previous, group] = [targets[index - 1], groups.at(-1)]
    if (group && strategy !== 'ordered' && previous?.requestedModel === requestedModel && previous.priority === priority) group.push(place)
    else groups.push([place])
  }
  return groups.map(group => group.sort())
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  // Told apart from an array of the same.
  return { fields: Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, item]) => [name, canonical(item)]) }
}

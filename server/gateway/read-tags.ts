import { toStorableText } from '../../shared/json'
import { MAX_TAG_NAME, MAX_TAG_VALUE, MAX_TAGS } from '../../shared/traces'
import type { Tags } from '../../shared/traces'
import { LoomError } from '../errors'

/**
 * What a caller wants a call to be found by: `name=value` pairs of the header `x-loom-tags`, written as in W3C Baggage, and the `metadata` of its
 * body, where the header names no other value. Of `metadata`, which others may read otherwise, what is no tag is left out. Beside these, and unless one of them is
 * called so, `trace_id`: the caller's own trace (W3C), so that a trace here is found by the id it has elsewhere.
 * @throws {LoomError} `invalid_request` for a header that is no list of tags
 */
export function readTags(header: string | undefined, metadata: unknown, traceId?: string): Tags | undefined {
  if (header === undefined && metadata === undefined && traceId === undefined) return undefined
  const named = header === undefined ? [] : parseHeader(header)
  const names = new Set(named.map(([name]) => name))
  const others = entriesOf(metadata).filter(([name, value]) => isTag(name, value) && !names.has(name)).slice(0, MAX_TAGS - names.size)
  const tags = Object.fromEntries([...traceId === undefined ? [] : [['trace_id', traceId]], ...others, ...named])
  return Object.keys(tags).length === 0 ? undefined : tags
}

function parseHeader(header: string): [string, string][] {
  const pairs = header.split(',').map(pair => pair.trim()).filter(pair => pair !== '')
  if (pairs.length > MAX_TAGS) throw invalid(`names ${pairs.length} tags; a call may have ${MAX_TAGS}`)
  return pairs.map((pair) => {
    const at = pair.indexOf('=')
    const tag: [string, string] = at < 0 ? ['', ''] : [decode(pair.slice(0, at).trim()), decode(pair.slice(at + 1).trim())]
    if (!isTag(...tag)) throw invalid(`must be a list such as "team=search, env=prod": names of 1 to ${MAX_TAG_NAME} characters, values of up to ${MAX_TAG_VALUE}`)
    return tag
  })
}

function decode(text: string): string {
  try {
    return toStorableText(decodeURIComponent(text))
  } catch {
    throw invalid('is not percent-encoded properly')
  }
}

function entriesOf(metadata: unknown): [string, string][] {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return []
  return Object.entries(metadata).flatMap(([name, value]) => isPlain(value) ? [[toStorableText(name), toStorableText(String(value))]] : [])
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function isTag(name: string, value: string): boolean {
  return name.length > 0 && name.length <= MAX_TAG_NAME && !name.includes('=') && value.length <= MAX_TAG_VALUE
}

function invalid(what: string): LoomError {
  return new LoomError('invalid_request', `x-loom-tags ${what}.`, { param: 'x-loom-tags' })
}

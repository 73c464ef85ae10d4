import { LRUCache } from 'lru-cache'
import type { Target } from '../catalog/target'

const MAX_TARGETS = 10_000
/** The weight of the newest answer in the average. */
const NEWEST_SHARE = 0.3
/** A target not heard of for so long may have changed: one call asks it again. */
const FRESH_MS = 60_000
/** How long that call has until another may ask. */
const PROBE_MS = 10_000
/** What a failure counts as: an error that comes at once must not look quick. */
const FAILURE_MS = 30_000

interface Entry { averageMs: number | undefined, heardAt: number, probedAt: number }

/**
 * How soon targets begin their answers: an exponentially weighted average a target, streams apart from whole answers (whose first
 * byte waits for their last token). In memory: each replica measures for itself, from where it stands.
 */
export class LatencyBoard {
  private readonly entries = new LRUCache<string, Entry>({ max: MAX_TARGETS })

  /** Notes that a call is on its way: until it is answered, others need not try. */
  began(target: Target, stream: boolean, now = Date.now()): void {
    const name = nameOf(target, stream)
    const entry = this.entries.get(name)
    if (!entry) this.entries.set(name, { averageMs: undefined, heardAt: 0, probedAt: now })
    else if (now - entry.heardAt >= FRESH_MS) entry.probedAt = now
  }

  /** Notes that a call's answer began after `latencyMs`. */
  answered(target: Target, stream: boolean, latencyMs: number, now = Date.now()): void {
    const name = nameOf(target, stream)
    const entry = this.entries.get(name)
    // Of a target that was away for long the newest answer alone counts: after a failure it would else take ten of them, a minute each.
    const averageMs = entry && now - entry.heardAt < FRESH_MS ? entry.averageMs : undefined
    this.entries.set(name, { averageMs: averageMs === undefined ? latencyMs : averageMs + NEWEST_SHARE * (latencyMs - averageMs), heardAt: now, probedAt: now })
  }

  failed(target: Target, stream: boolean, now?: number): void {
    this.answered(target, stream, FAILURE_MS, now)
  }

  /**
   * Where a target stands, lower is better: its average in ms. One not heard of lately comes first, to be measured; while a call does
   * that it keeps its place (last, if it never had one).
   */
  rank(target: Target, stream: boolean, now = Date.now()): number {
    const entry = this.entries.get(nameOf(target, stream))
    const isKnown = entry && (now - entry.heardAt < FRESH_MS || now - entry.probedAt < PROBE_MS)
    return isKnown ? entry.averageMs ?? Number.MAX_VALUE : 0
  }
}

function nameOf({ connection, upstreamModel }: Target, stream: boolean): string {
  return `${connection.id} ${stream ? 'stream' : 'whole'} ${upstreamModel}`
}

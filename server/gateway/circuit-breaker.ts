import { LRUCache } from 'lru-cache'

const FAILURES_TO_OPEN = 5
const OPEN_MS = 5_000
const MAX_OPEN_MS = 60_000
/** A caller can name any number of models that fail. */
const MAX_CIRCUITS = 10_000

/** Leave to make one call; of an open circuit there is one at a time, its probe's. */
export type Leave = symbol

/** Of every call while a circuit is closed. */
const LEAVE: Leave = Symbol('leave')

interface Circuit { failures: number, openUntilMs: number, openMs: number, probe: Leave | undefined }

/**
 * Circuits by name. Five failures in a row open one; after a pause (5 s, doubling to 60 s) one probe may
 * pass, and its outcome alone reopens it: calls that were under way before say nothing of what is now, unless they succeed. In memory: each
 * replica learns for itself within a few calls.
 */
export class CircuitBreaker {
  private readonly circuits = new LRUCache<string, Circuit>({ max: MAX_CIRCUITS })

  /** Leave for a call to pass now, to report its outcome with; undefined when it may not. On an open circuit it claims the one probe. */
  admit(name: string, now = Date.now()): Leave | undefined {
    const circuit = this.circuits.get(name)
    if (!circuit || circuit.failures < FAILURES_TO_OPEN) return LEAVE
    if (now < circuit.openUntilMs || circuit.probe) return undefined
    circuit.probe = Symbol('probe')
    return circuit.probe
  }

  /** Milliseconds until an open circuit lets a probe pass; 0 when it is closed. */
  waitMs(name: string, now = Date.now()): number {
    const circuit = this.circuits.get(name)
    return circuit && circuit.failures >= FAILURES_TO_OPEN ? Math.max(circuit.openUntilMs - now, 0) : 0
  }

  /** Circuits that let nothing pass now, with the milliseconds until they let a probe through. */
  open(now = Date.now()): { name: string, waitMs: number }[] {
    return [...this.circuits.keys()].map(name => ({ name, waitMs: this.waitMs(name, now) })).filter(({ waitMs }) => waitMs > 0)
  }

  succeeded(name: string): void {
    this.circuits.delete(name)
  }

  failed(name: string, leave: Leave, now = Date.now()): void {
    const circuit = this.circuits.get(name) ?? { failures: 0, openUntilMs: 0, openMs: OPEN_MS / 2, probe: undefined }
    circuit.failures++
    // Calls that were under way when it opened say nothing new.
    if (circuit.failures === FAILURES_TO_OPEN || circuit.probe === leave) {
      circuit.openMs = Math.min(circuit.openMs * 2, MAX_OPEN_MS)
      circuit.openUntilMs = now + circuit.openMs
      circuit.probe = undefined
    }
    this.circuits.set(name, circuit)
  }

  /** The call told nothing (its caller left): if it was the probe, another may try. */
  undecided(name: string, leave: Leave): void {
    const circuit = this.circuits.get(name)
    if (circuit?.probe === leave) circuit.probe = undefined
  }
}

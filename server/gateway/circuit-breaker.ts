import { LRUCache } from 'lru-cache'

const FAILURES_TO_OPEN = 5
const OPEN_MS = 5_000
const MAX_OPEN_MS = 60_000
/** A caller can name any number of models that fail. */
const MAX_CIRCUITS = 10_000

interface Circuit { failures: number, openUntilMs: number, openMs: number, probing: boolean }

/**
 * Circuits by name. Five failures in a row open one; after a pause (5 s, doubling to 60 s) one probe may
 * pass, and its outcome closes or reopens it. In memory: each replica learns for itself within a few calls.
 */
export class CircuitBreaker {
  private readonly circuits = new LRUCache<string, Circuit>({ max: MAX_CIRCUITS })

  /** Whether a call may pass now. True on an open circuit claims its one probe: report the outcome. */
  allows(name: string, now = Date.now()): boolean {
    const circuit = this.circuits.get(name)
    if (!circuit || circuit.failures < FAILURES_TO_OPEN) return true
    if (now < circuit.openUntilMs || circuit.probing) return false
    circuit.probing = true
    return true
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

  failed(name: string, now = Date.now()): void {
    const circuit = this.circuits.get(name) ?? { failures: 0, openUntilMs: 0, openMs: OPEN_MS / 2, probing: false }
    circuit.failures++
    // Calls that were under way when it opened say nothing new.
    if (circuit.failures === FAILURES_TO_OPEN || circuit.probing) {
      circuit.openMs = Math.min(circuit.openMs * 2, MAX_OPEN_MS)
      circuit.openUntilMs = now + circuit.openMs
    }
    circuit.probing = false
    this.circuits.set(name, circuit)
  }

  /** The probe ended without telling anything (its caller left): another may try. */
  undecided(name: string): void {
    const circuit = this.circuits.get(name)
    if (circuit) circuit.probing = false
  }
}

import { LoomError } from '../errors'
import type { Metrics } from '../operations/metrics'

/** What calls that a stop has cut off have to be captured. */
const CUT_OFF_MS = 3_000

/** The calls under way in this process. A stop waits for them: one that is not captured before the database closes is charged nothing. */
export class RunningCalls {
  private readonly aborts = new Set<AbortController>()
  private whenIdle: (() => void) | undefined

  constructor(private readonly metrics: Pick<Metrics, 'inFlight'>) {}

  /** @param abort ends the call */
  begun(abort: AbortController): void {
    this.aborts.add(abort)
    this.metrics.inFlight.inc()
  }

  /** With its capture. */
  ended(abort: AbortController): void {
    this.aborts.delete(abort)
    this.metrics.inFlight.dec()
    if (this.aborts.size === 0) this.whenIdle?.()
  }

  /** Lets them finish for `timeoutMs`; what runs still gets an error, and is charged for what was delivered. */
  async stop(timeoutMs: number): Promise<void> {
    await this.idle(timeoutMs)
    for (const abort of this.aborts) abort.abort(new LoomError('service_unavailable', 'Loom is stopping, and the call took longer than it could wait. Send it again.', { retryAfterSeconds: 5 }))
    await this.idle(CUT_OFF_MS)
  }

  private async idle(timeoutMs: number): Promise<void> {
    if (this.aborts.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.whenIdle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

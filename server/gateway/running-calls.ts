import { LoomError } from '../errors'
import type { Metrics } from '../operations/metrics'

/** What calls that a stop has cut off have to be captured. */
const CUT_OFF_MS = 3_000

/** The calls under way in this process. A stop waits for them: one that is not captured before the database closes is charged nothing. */
export class RunningCalls {
  private readonly aborts = new Set<AbortController>()
  private isOver = false
  private whenIdle: (() => void) | undefined

  constructor(private readonly metrics: Pick<Metrics, 'inFlight'>) {}

  /** @param abort ends the call */
  begun(abort: AbortController): void {
    this.aborts.add(abort)
    this.metrics.inFlight.inc()
    if (this.isOver) abort.abort(stopping())
  }

  /** With its capture. */
  ended(abort: AbortController): void {
    this.aborts.delete(abort)
    this.metrics.inFlight.dec()
    if (this.aborts.size === 0) this.whenIdle?.()
  }

  /** Lets them finish for `timeoutMs`; what runs still gets an error, and is charged for what was delivered. */
  async finish(timeoutMs: number): Promise<void> {
    await this.idle(timeoutMs)
    await this.cutOff()
  }

  /** The end of those, too, that have begun since, and of any that would. */
  async stop(): Promise<void> {
    this.isOver = true
    await this.cutOff()
  }

  private async cutOff(): Promise<void> {
    for (const abort of this.aborts) abort.abort(stopping())
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

function stopping(): LoomError {
  return new LoomError('service_unavailable', 'Loom is stopping, and waits for no call any longer. Send it again.', { retryAfterSeconds: 5 })
}

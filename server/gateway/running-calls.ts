import type { Metrics } from '../operations/metrics'

/** The calls under way in this process. A stop waits for them: one that is not captured before the database closes is charged nothing. */
export class RunningCalls {
  private count = 0
  private whenIdle: (() => void) | undefined

  constructor(private readonly metrics: Pick<Metrics, 'inFlight'>) {}

  begun(): void {
    this.count++
    this.metrics.inFlight.inc()
  }

  /** With its capture. */
  ended(): void {
    this.count--
    this.metrics.inFlight.dec()
    if (this.count === 0) this.whenIdle?.()
  }

  /** Resolves when none is under way, at the latest after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.count === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.whenIdle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

import type { Log } from './log'
import type { Metrics } from './metrics'

/** How a job is doing in this process. */
interface JobState {
  name: string
  everyMs: number
  lastRunAt: string | null
  lastMs: number | null
  lastFailureAt: string | null
}

/** What the process does now and then. A job never overlaps itself; a failure is logged and counted, and the job runs again. */
export class BackgroundJobs {
  private readonly timers: NodeJS.Timeout[] = []
  private readonly running = new Map<string, Promise<void>>()
  private readonly states = new Map<string, JobState>()

  constructor(private readonly log: Log, private readonly metrics: Metrics) {}

  every(intervalMs: number, name: string, job: () => Promise<unknown>): void {
    const state: JobState = { name, everyMs: intervalMs, lastRunAt: null, lastMs: null, lastFailureAt: null }
    this.states.set(name, state)
    const run = () => {
      if (this.running.has(name)) return
      const began = performance.now()
      state.lastRunAt = new Date().toISOString()
      const once = job().then(() => {
        state.lastFailureAt = null
      }, (error: unknown) => {
        state.lastFailureAt = new Date().toISOString()
        this.metrics.failures.inc({ what: name })
        this.log.error({ err: error, job: name }, 'A background job failed')
      }).finally(() => {
        state.lastMs = Math.round(performance.now() - began)
        this.running.delete(name)
      })
      this.running.set(name, once)
    }
    this.timers.push(setInterval(run, intervalMs).unref())
  }

  /** Every job, in the order they were given. */
  describe(): (JobState & { running: boolean })[] {
    return [...this.states.values()].map(state => ({ ...state, running: this.running.has(state.name) }))
  }

  async stop(): Promise<void> {
    this.timers.forEach(timer => clearInterval(timer))
    await Promise.all(this.running.values())
  }
}

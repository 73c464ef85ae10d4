import { ToolError } from './tool'

interface Waiting {
  orgId: string
  go: () => void
}

/**
 * Runs a few pieces of work at once in this process; others wait, those of orgs that have none running first, so that no org takes the machine from the rest.
 */
export class Turns {
  private readonly running: string[] = []
  private readonly waiting: Waiting[] = []

  constructor(private readonly mostAtOnce: number, private readonly mostWaitingAnOrg: number) {}

  /** @throws {ToolError} when the org has too many waiting already, or `signal` ends the wait */
  async run<Result>(orgId: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    if (this.running.length >= this.mostAtOnce) await this.wait(orgId, signal)
    else this.running.push(orgId)
    try {
      return await work()
    } finally {
      this.running.splice(this.running.indexOf(orgId), 1)
      this.next()
    }
  }

  /** Whoever waited is counted as running by whom it follows, so that nobody comes between. */
  private async wait(orgId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw stopped()
    if (this.waiting.filter(other => other.orgId === orgId).length >= this.mostWaitingAnOrg) throw new ToolError('Too many of these are running already. Try again later, with fewer at once.')
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(entry), 1)
        reject(stopped())
      }
      const entry: Waiting = {
        orgId,
        go: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
      }
      this.waiting.push(entry)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  private next(): void {
    const idle = this.waiting.findIndex(({ orgId }) => !this.running.includes(orgId))
    const [entry] = this.waiting.splice(Math.max(idle, 0), 1)
    if (!entry) return
    this.running.push(entry.orgId)
    entry.go()
  }
}

function stopped(): ToolError {
  return new ToolError('It was stopped before its turn came.')
}

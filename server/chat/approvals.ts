import type { ToolDecision } from '../../shared/answers'

/** How long a person may take; the answer ends its wait with a no. */
const WAIT_MS = 15 * 60_000

/** The calls of one answer that wait for somebody's word. */
export class Approvals {
  private readonly waiting = new Map<string, (decision: ToolDecision) => void>()

  /** What was decided; `deny` also when nobody decides in time, or `signal` is aborted. */
  ask(toolCallId: string, signal: AbortSignal): Promise<ToolDecision> {
    return new Promise((resolve) => {
      const finish = (decision: ToolDecision) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        this.waiting.delete(toolCallId)
        resolve(decision)
      }
      const leave = () => finish('deny')
      const timer = setTimeout(leave, WAIT_MS)
      signal.addEventListener('abort', leave)
      this.waiting.set(toolCallId, finish)
      if (signal.aborted) leave()
    })
  }

  /** False when nothing waits for it. */
  decide(toolCallId: string, decision: ToolDecision): boolean {
    const finish = this.waiting.get(toolCallId)
    finish?.(decision)
    return finish !== undefined
  }
}

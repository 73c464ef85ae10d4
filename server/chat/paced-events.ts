import type { PartEvent } from './assemble-parts'

/** How long what a model says is gathered: no eye reads faster, and each event costs a write to every reader and a place in the log. */
const PACE_MS = 50

/** Passes the events of an answer on in their order: a piece of text at once after a pause, and what follows on its heels together, every `PACE_MS`. */
export class PacedEvents {
  private gathered: Extract<PartEvent, { type: 'delta' }> | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly publish: (event: PartEvent) => void) {}

  push(event: PartEvent): void {
    if (event.type === 'delta' && this.timer && (!this.gathered || this.gathered.index === event.index)) {
      this.gathered = { ...event, text: (this.gathered?.text ?? '') + event.text }
      return
    }
    this.flush()
    this.pass(event)
  }

  /** Passes on at once what is gathered. */
  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const { gathered } = this
    this.gathered = undefined
    if (gathered) this.publish(gathered)
  }

  private pass(event: PartEvent): void {
    this.publish(event)
    if (event.type === 'delta') this.timer = setTimeout(() => this.goOn(), PACE_MS)
  }

  private goOn(): void {
    this.timer = undefined
    const { gathered } = this
    this.gathered = undefined
    if (gathered) this.pass(gathered)
  }
}

import { LoomError } from '../../errors'
import { toOpenAiError } from '../openai-error'
import type { PromptUsage, Usage } from '../usage'
import { readPromptUsage, readTokensSoFar, readUsage, storable, toChatUsage } from '../usage'
import { EventTap } from './event-tap'

const DONE = 'data: [DONE]\n\n'

/** A chunk that tells the usage and nothing else. */
type UsageChunk = Readonly<Record<string, unknown>>

/**
 * A tap on OpenAI's chunks, of chat and of text. Held back are `[DONE]`, and the usage chunk: it goes out with the cost that
 * was charged, or not at all if nobody asked for it. Where the provider sends none that makes sense, it tells what was charged for.
 */
export abstract class ChunkTap extends EventTap {
  /** Told before the answer by a chunk without one, which is not for the caller. */
  inputUsage: PromptUsage | undefined
  tokensSoFar: number | undefined
  protected usageChunk: UsageChunk | undefined
  /** The newest choice came with usage, and none before it: a server that tells it once tells it at the end. */
  private endsInUsage = false

  /** @param answers how many were asked for */
  constructor(protected readonly wantsUsage: boolean, private readonly answers = 1) {
    super()
  }

  /**
   * Some servers leave `[DONE]` out; an answer whose choices have all ended is whole nevertheless. One of fewer choices than were asked for,
   * as servers give that know no `n`, only where usage says that no more will come.
   */
  get whole(): boolean {
    const { ended = 0 } = this
    return ended >= this.answers || (ended > 0 && (this.usageChunk !== undefined || this.endsInUsage))
  }

  /** How many choices have ended; undefined while one that began has not. */
  protected abstract readonly ended: number | undefined

  /** Takes what a chunk tells of usage; true where it tells all of it. */
  protected takeUsage(told: unknown, hasChoices: boolean): boolean {
    const counted = told ? readUsage(told) : undefined
    if (counted) {
      this.endsInUsage = this.usage === undefined
      this.usage = counted
      this.rawUsage = storable(told)
      return true
    }
    if (hasChoices) this.endsInUsage = false
    if (told) {
      this.inputUsage = readPromptUsage(told) ?? this.inputUsage
      this.tokensSoFar = readTokensSoFar(told) ?? this.tokensSoFar
    }
    return false
  }

  /**
   * Some servers write `[DONE]` after half an answer, too, or nothing else; others tell no reason of an end, but then the usage.
   * @throws {LoomError} `upstream_error` where it ends no answer
   */
  protected takeDone(ended = this.ended): undefined {
    const isCounted = ended === undefined && Boolean(this.usage?.outputTokens)
    if (!ended && !isCounted) throw new LoomError('upstream_error', 'The provider ended its answer half way.')
    this.done = true
  }

  closing(usage: Usage, costUsd: string): Buffer {
    if (!this.wantsUsage) return Buffer.from(DONE)
    const chunk = this.usageChunk ?? { ...this.chunkHead(), choices: [], usage: toChatUsage(usage) }
    const counts = typeof chunk.usage === 'object' ? chunk.usage : {}
    return Buffer.from(`data: ${JSON.stringify({ ...chunk, usage: { ...counts, cost: Number(costUsd) } })}\n\n${DONE}`)
  }

  /**
   * A chunk with choices, without the usage beside them: it is told at the end, with the cost (twice, clients that add it up would count it twice), and to
   * who did not ask not at all.
   */
  protected withoutUsage(chunk: unknown): Buffer {
    return Buffer.from(`data: ${JSON.stringify({ ...Object(chunk), usage: this.wantsUsage ? null : undefined })}\n\n`)
  }

  /** What the chunks of this answer have in common. */
  protected abstract chunkHead(): object

  failure(error: LoomError): Buffer {
    return Buffer.from(`data: ${JSON.stringify(toOpenAiError(error))}\n\n`)
  }
}

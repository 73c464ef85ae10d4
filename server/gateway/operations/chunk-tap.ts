import type { LoomError } from '../../errors'
import { toOpenAiError } from '../openai-error'
import type { Usage } from '../usage'
import { EventTap } from './event-tap'

const DONE = 'data: [DONE]\n\n'

/** A chunk that tells the usage and nothing else. */
type UsageChunk = Readonly<Record<string, unknown>>

/**
 * A tap on OpenAI's chunks, of chat and of text. Held back are `[DONE]`, and the usage chunk: it goes out with the cost that
 * was charged, or not at all if nobody asked for it.
 */
export abstract class ChunkTap extends EventTap {
  protected usageChunk: UsageChunk | undefined

  constructor(protected readonly wantsUsage: boolean) {
    super()
  }

  closing(_usage: Usage, costUsd: string): Buffer {
    if (!this.wantsUsage || !this.usageChunk) return Buffer.from(DONE)
    const { usage } = this.usageChunk
    const counts = typeof usage === 'object' ? usage : {}
    return Buffer.from(`data: ${JSON.stringify({ ...this.usageChunk, usage: { ...counts, cost: Number(costUsd) } })}\n\n${DONE}`)
  }

  failure(error: LoomError): Buffer {
    return Buffer.from(`data: ${JSON.stringify(toOpenAiError(error))}\n\n`)
  }
}

import { LoomError } from '../../errors'
import type { SseEvent } from '../sse-events'
import { readToldFailure } from '../told-failure'
import { storable } from '../usage'
import { ChatChunk, CompletionAssembler } from './assemble-completion'
import { CallNumbers } from './call-numbers'
import { ChunkTap } from './chunk-tap'
import { lengthAsJson, parseEvent } from './event-tap'
import type { Surcharge } from './unpriced'
import { findSurcharge } from './unpriced'

/** Reads a stream of chat-completion chunks. */
export class ChatTap extends ChunkTap {
  surcharge: Surcharge | undefined
  private readonly assembled = new CompletionAssembler()
  private readonly calls = new CallNumbers()

  /**
   * @param answers how many were asked for
   * @param onChunk told each chunk
   */
  constructor(wantsUsage: boolean, answers = 1, private readonly onChunk?: (chunk: ChatChunk) => void) {
    super(wantsUsage, answers)
  }

  protected get ended(): number | undefined {
    return this.assembled.ended
  }

  get text(): string {
    return this.assembled.text
  }

  get outputTokens(): number {
    return this.assembled.made.outputTokens
  }

  get audioOutputTokens(): number {
    return this.assembled.made.audioOutputTokens
  }

  record(): Buffer {
    return Buffer.from(JSON.stringify(this.assembled.completion(storable(this.rawUsage))))
  }

  protected chunkHead(): object {
    return { ...this.assembled.head, object: 'chat.completion.chunk' }
  }

  protected read(event: SseEvent): Buffer | undefined {
    if (event.data === '[DONE]') return this.takeDone()
    const json = parseEvent(event.data)
    const failure = readToldFailure(json)
    if (failure) throw failure
    const parsed = ChatChunk.safeParse(json)
    if (!parsed.success) throw new LoomError('upstream_error', 'The provider sent something that is not a chat completion chunk.')
    const chunk = parsed.data
    this.calls.assign(chunk)
    this.assembled.add(chunk)
    this.requireSane(this.assembled.length)
    this.onChunk?.(chunk)
    const isCounted = this.takeUsage(chunk.usage, chunk.choices.length > 0)
    if (!chunk.usage) return event.bytes
    this.surcharge = findSurcharge(chunk)
    if (chunk.choices.length > 0) return this.withoutUsage(json)
    if (this.wantsUsage) this.requireSane(lengthAsJson(chunk))
    if (isCounted) this.usageChunk = chunk
    return undefined
  }
}

import { z } from 'zod'
import { LoomError } from '../../errors'
import type { SseEvent } from '../sse-events'
import { readToldFailure } from '../told-failure'
import { storable } from '../usage'
import { ChunkTap } from './chunk-tap'
import { lengthAsJson, parseEvent } from './event-tap'

const Chunk = z.looseObject({
  choices: z.array(z.looseObject({ index: z.int().nonnegative().max(100_000).default(0), text: z.string().nullish(), finish_reason: z.string().nullish() })).nullish(),
  usage: z.unknown().optional()
})
type Chunk = z.infer<typeof Chunk>

/** Reads a stream of text completions. */
export class CompletionsTap extends ChunkTap {
  private readonly texts = new Map<number, { text: string, finishReason: string | null }>()
  private head: Record<string, unknown> | undefined
  private length = 0

  /**
   * @param answers how many were asked for
   * @param written what of a choice's text the model wrote
   */
  constructor(wantsUsage: boolean, answers: number, private readonly written: (text: string, index: number) => string) {
    super(wantsUsage, answers)
  }

  protected get ended(): number | undefined {
    return [...this.texts.values()].every(({ finishReason }) => finishReason !== null) ? this.texts.size : undefined
  }

  get text(): string {
    return [...this.texts].map(([index, { text }]) => this.written(text, index)).join('')
  }

  record(): Buffer {
    const choices = [...this.texts].map(([index, { text, finishReason }]) => ({ index, text, logprobs: null, finish_reason: finishReason }))
    return Buffer.from(JSON.stringify({ ...this.head, choices, usage: storable(this.rawUsage) }))
  }

  protected chunkHead(): object {
    return { object: 'text_completion', ...this.head }
  }

  protected read(event: SseEvent): Buffer | undefined {
    // Some servers tell in this old format no reason for its end.
    if (event.data === '[DONE]') return this.takeDone(this.texts.size)
    const json = parseEvent(event.data)
    const failure = readToldFailure(json)
    if (failure) throw failure
    const parsed = Chunk.safeParse(json)
    if (!parsed.success) throw new LoomError('upstream_error', 'The provider sent something that is not a chunk of a completion.')
    const { choices, usage, ...head } = parsed.data
    if (!this.head) this.requireSane(lengthAsJson(head))
    this.head ??= head
    for (const choice of choices ?? []) this.add(choice)
    const hasChoices = Boolean(choices?.length)
    const isCounted = this.takeUsage(usage, hasChoices)
    if (!usage) return event.bytes
    if (hasChoices) return this.withoutUsage(parsed.data)
    this.requireSane(lengthAsJson(usage))
    if (isCounted) this.usageChunk = parsed.data
    return undefined
  }

  private add({ index, text, finish_reason: finishReason }: NonNullable<Chunk['choices']>[number]): void {
    const known = this.texts.get(index) ?? { text: '', finishReason: null }
    known.text += text ?? ''
    known.finishReason = finishReason || known.finishReason
    this.texts.set(index, known)
    this.length += text?.length ?? 0
    this.requireSane(this.length)
  }
}

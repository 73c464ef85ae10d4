import { z } from 'zod'
import type { Units } from '../../billing/units'
import { LoomError } from '../../errors'
import { toOpenAiError } from '../openai-error'
import { ToldFailure } from '../providers/upstream-failure'
import type { SseEvent } from '../sse-events'
import type { Usage } from '../usage'
import { storable } from '../usage'
import { EventTap, parseEvent } from './event-tap'
import { readMediaUsage } from './media-usage'

/** As much as of an answer that comes whole. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

const Event = z.looseObject({ type: z.string(), usage: z.unknown().optional(), delta: z.unknown().optional() })
const Failure = z.object({ error: z.union([z.string(), z.looseObject({ message: z.string() })]) })

type Event = z.infer<typeof Event>

/** Our own measures of a stream, where it tells none. */
export interface StreamMeasures {
  /** Tokens of what an event on the way brings, where that is no text. */
  tokensOf?: (event: Event) => number
  /** And of what the last brings. */
  finalTokens?: number
  /** What has come in other units than tokens with this event, `finals` of the final type among all so far; undefined for as much as before. */
  unitsOf?: (event: Event, finals: number) => Units | undefined
}

/**
 * Reads the typed events in which OpenAI streams pictures, speech and transcripts. Held back is the last: the one of
 * the type that ends such a stream, with its usage.
 */
export class FinalEventTap extends EventTap {
  text = ''
  outputTokens = 0
  units: Units | undefined
  private finals = 0
  private held: Buffer[] = []
  private heldBytes = 0

  /**
   * @param finalType what ends the stream: `transcript.text.done`
   * @param maxBytes more than any such answer has
   */
  constructor(private readonly finalType: string, maxBytes: number, private readonly measures: StreamMeasures = {}) {
    super(maxBytes)
  }

  get whole(): boolean {
    return this.held.length > 0
  }

  record(): Buffer {
    return Buffer.from(JSON.stringify({ text: this.text, ...(this.rawUsage !== undefined && { usage: storable(this.rawUsage) }) }))
  }

  closing(): Buffer {
    return Buffer.concat(this.held)
  }

  failure(error: LoomError): Buffer {
    return Buffer.from(`data: ${JSON.stringify(toOpenAiError(error))}\n\n`)
  }

  protected read({ data, bytes }: SseEvent): Buffer | undefined {
    if (data === '[DONE]') {
      this.hold(bytes)
      this.done = true
      return undefined
    }
    const json = parseEvent(data)
    const failed = Failure.safeParse(json).data?.error
    if (failed !== undefined) throw new ToldFailure(typeof failed === 'string' ? failed : failed.message)
    const event = Event.safeParse(json)
    if (!event.success) throw new LoomError('upstream_error', 'The provider sent something that is not an event of this stream.')
    return this.take(event.data, bytes)
  }

  private take(event: Event, bytes: Buffer): Buffer | undefined {
    const { tokensOf, finalTokens = 0, unitsOf } = this.measures
    const isFinal = event.type === this.finalType
    if (isFinal) this.finals++
    this.units = unitsOf?.(event, this.finals) ?? this.units
    if (!isFinal) {
      if (typeof event.delta === 'string') this.text += event.delta
      this.requireSane(this.text.length)
      this.outputTokens += tokensOf?.(event) ?? 0
      return bytes
    }
    const usage = readMediaUsage(event.usage)
    if (usage) this.usage = this.usage ? sum(this.usage, usage) : usage
    this.rawUsage = event.usage ?? this.rawUsage
    this.outputTokens += finalTokens
    this.hold(bytes)
    return undefined
  }

  private hold(bytes: Buffer): void {
    this.heldBytes += bytes.length
    if (this.heldBytes > MAX_HELD_BYTES) throw new LoomError('upstream_error', 'The provider ended its answer with more than 64 MiB.')
    this.held.push(bytes)
  }
}

/** Several pictures end one by one. */
function sum(a: Usage, b: Usage): Usage {
  const text = (a.textInputTokens ?? 0) + (b.textInputTokens ?? 0)
  const written = (a.textOutputTokens ?? 0) + (b.textOutputTokens ?? 0)
  const audio = (a.audioInputTokens ?? 0) + (b.audioInputTokens ?? 0)
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    ...(text > 0 && { textInputTokens: text }),
    ...(written > 0 && { textOutputTokens: written }),
    ...(audio > 0 && { audioInputTokens: audio })
  }
}

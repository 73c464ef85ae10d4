import { z } from 'zod'
import type { Units } from '../../billing/units'
import { LoomError } from '../../errors'
import { toOpenAiError } from '../openai-error'
import type { SseEvent } from '../sse-events'
import { readToldFailure } from '../told-failure'
import type { Usage } from '../usage'
import { storable } from '../usage'
import { EventTap, parseEvent } from './event-tap'
import { readMediaUsage } from './media-usage'

const Event = z.looseObject({ type: z.string(), usage: z.unknown().optional(), delta: z.unknown().optional() })

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
 * a type that ends such a stream, with its usage. Of several pictures each ends with such an event.
 */
export class FinalEventTap extends EventTap {
  text = ''
  outputTokens = 0
  untoldTokens = 0
  units: Units | undefined
  private finals = 0
  private held: Buffer[] = []

  /**
   * @param finalTypes what ends the stream: `transcript.text.done`
   * @param maxBytes more than any such answer has
   * @param wanted how many such events were asked for
   */
  constructor(private readonly finalTypes: readonly string[], maxBytes: number, private readonly measures: StreamMeasures = {}, private readonly wanted = 1) {
    super(maxBytes)
  }

  get whole(): boolean {
    return this.finals >= this.wanted
  }

  record(): Buffer {
    return Buffer.from(JSON.stringify({ text: this.text, ...(this.rawUsage !== undefined && { usage: storable(this.rawUsage) }) }))
  }

  closing(): Buffer {
    return Buffer.concat(this.held)
  }

  override undelivered(): Buffer {
    return Buffer.concat([super.undelivered(), this.closing()])
  }

  failure(error: LoomError): Buffer {
    return Buffer.from(`data: ${JSON.stringify(toOpenAiError(error))}\n\n`)
  }

  protected read({ data, bytes }: SseEvent): Buffer | undefined {
    if (data === '[DONE]') {
      if (this.finals === 0) throw new LoomError('upstream_error', 'The provider ended its answer half way.')
      this.held.push(bytes)
      this.done = true
      return undefined
    }
    const json = parseEvent(data)
    const failure = readToldFailure(json)
    if (failure) throw failure
    const event = Event.safeParse(json)
    if (!event.success) throw new LoomError('upstream_error', 'The provider sent something that is not an event of this stream.')
    return this.take(event.data, bytes)
  }

  private take(event: Event, bytes: Buffer): Buffer | undefined {
    const { tokensOf, finalTokens = 0, unitsOf } = this.measures
    const before = this.release()
    const isFinal = this.finalTypes.includes(event.type)
    if (isFinal) this.finals++
    this.units = unitsOf?.(event, this.finals) ?? this.units
    if (!isFinal) {
      if (typeof event.delta === 'string') this.text += event.delta
      this.requireSane(this.text.length)
      this.measure(tokensOf?.(event) ?? 0)
      return before.length > 0 ? Buffer.concat([...before, bytes]) : bytes
    }
    const usage = readMediaUsage(event.usage)
    if (usage) this.usage = this.usage ? sum(this.usage, usage) : usage
    this.rawUsage = event.usage === undefined || event.usage === null ? this.rawUsage : storable(event.usage)
    this.measure(finalTokens)
    if (usage) this.untoldTokens = 0
    this.held.push(bytes)
    return before.length > 0 ? Buffer.concat(before) : undefined
  }

  private measure(tokens: number): void {
    this.outputTokens += tokens
    this.untoldTokens += tokens
  }

  /** What was held is not the last. */
  private release(): Buffer[] {
    const before = this.held
    this.held = []
    return before
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

import { parseJson } from '../../../shared/parse-json'
import { finishReasonOf } from '../finish-reason'
import type { EventTranslation } from '../providers/translate-events'
import { readToldFailure } from '../told-failure'
import { readPromptUsage, readTokensSoFar, readUsage } from '../usage'
import type { PromptUsage, Usage } from '../usage'
import { ChatChunk, CompletionAssembler } from './assemble-completion'
import { CallNumbers } from './call-numbers'
import { MAX_ANSWER_CHARACTERS } from './event-tap'
import type { Delivered } from './operation'

/** Reads a stream of chat-completion chunks for those who translate it into events of another format. */
export abstract class ChatEvents implements EventTranslation {
  /** What the provider counted so far. */
  protected usage: Usage | undefined
  /** What it told of the prompt before the answer: for the tap, should the answer break off. */
  protected promptUsage: PromptUsage | undefined
  protected finishReason: string | undefined
  private readonly calls = new CallNumbers()
  private readonly assembled = new CompletionAssembler()
  private ended = false
  private gave = false
  private tokensSoFar: number | undefined

  /** Whatever came of the answer, though none of it be translated: reasoning that nobody asked to see, sound, pictures. */
  get delivered(): Delivered {
    const { text, made } = this.assembled
    return { text, ...made, tokensSoFar: this.tokensSoFar }
  }

  event(data: string): string {
    if (this.ended) return ''
    const events = data === '[DONE]' ? this.end(this.isCounted) : this.read(parseJson(data))
    this.gave ||= events !== ''
    return events
  }

  private read(json: unknown): string {
    const failure = readToldFailure(json)
    // Before anything was given, the road has an answer to it of its own.
    if (failure && !this.gave) throw failure
    if (failure) return this.fail(failure.message)
    const chunk = ChatChunk.safeParse(json)
    if (!chunk.success) return this.fail('The provider sent something that is not a chat completion chunk.')
    if (chunk.data.usage) {
      this.usage = readUsage(chunk.data.usage) ?? this.usage
      this.promptUsage = readPromptUsage(chunk.data.usage) ?? this.promptUsage
      this.tokensSoFar = readTokensSoFar(chunk.data.usage) ?? this.tokensSoFar
    }
    this.calls.assign(chunk.data)
    this.assembled.add(chunk.data)
    if (this.assembled.length > MAX_ANSWER_CHARACTERS) return this.fail('The provider sent an answer larger than 16 million characters.')
    const text = this.translate(chunk.data)
    const ended = chunk.data.choices.find(choice => choice.finish_reason)?.finish_reason
    if (ended) this.finishReason = finishReasonOf(ended)
    return text
  }

  /** A choice has begun, and the usage was told: at the end, some servers tell no reason of it. */
  private get isCounted(): boolean {
    return this.assembled.ended === undefined && Boolean(this.usage?.outputTokens)
  }

  /** @param isWhole though no reason of the end was told */
  end(isWhole = false): string {
    if (this.ended) return ''
    if (this.finishReason === undefined && !isWhole) return this.fail('The provider ended its answer half way.')
    this.ended = true
    return this.finish()
  }

  protected fail(message: string): string {
    this.ended = true
    return this.failure(message)
  }

  protected abstract translate(chunk: ChatChunk): string
  /** The events that end a whole answer. */
  protected abstract finish(): string
  /** The event that tells of a failure. */
  protected abstract failure(message: string): string
}

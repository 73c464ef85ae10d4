import { z } from 'zod'
import { parseJson } from '../../../shared/parse-json'
import { ChatChunks } from './chat-chunks'
import { GenerateContentResponse, readContent, readEnding } from './google-response'
import type { Ending } from './google-response'
import { toChatUsage } from './google-usage'
import type { UsageMetadata } from './google-usage'
import type { Connection } from './provider'
import type { EventTranslation } from './translate-events'

const Failure = z.object({ error: z.object({ message: z.string(), status: z.string().optional() }) })

/** Translates one `streamGenerateContent` stream into chat-completion chunks. Google closes it without a last word: it is whole once it told why it ended. */
export class GoogleStream implements EventTranslation {
  private readonly chunks: ChatChunks
  private usage: UsageMetadata | undefined
  private ending: Ending | undefined
  private toolCalls = 0
  private begun = false
  private failed = false
  /** How many tokens of the answer were told. */
  private told = -1

  constructor(connection: Connection, requestedModel: string, createdAt: Date) {
    this.chunks = new ChatChunks(connection, createdAt)
    this.chunks.model = requestedModel
  }

  event(data: string): string {
    if (this.failed) return ''
    const value = parseJson(data)
    const failure = Failure.safeParse(value)
    if (failure.success) return this.fail(failure.data.error.message, failure.data.error.status)
    const response = GenerateContentResponse.safeParse(value)
    return response.success ? this.translate(response.data) : this.fail('The provider sent an event that cannot be read.')
  }

  end(): string {
    if (this.failed) return ''
    if (!this.ending) return this.fail('The provider ended the stream before the answer was complete.')
    return this.chunks.end(this.ending.finishReason, toChatUsage(this.usage))
  }

  private translate(response: GenerateContentResponse): string {
    this.chunks.id = response.responseId ?? this.chunks.id
    this.chunks.model = response.modelVersion ?? this.chunks.model
    this.usage = { ...this.usage, ...response.usageMetadata }
    const { text, reasoning, toolCalls, images } = readContent(response)
    const calls = toolCalls.map(call => ({ index: this.toolCalls++, ...call }))
    this.ending = readEnding(response, this.toolCalls > 0) ?? this.ending
    const deltas = [
      ...this.begun ? [] : [{ role: 'assistant', content: '' }],
      ...reasoning ? [{ reasoning_content: reasoning }] : [],
      ...text ? [{ content: text }] : [],
      ...images.length > 0 ? [{ images }] : [],
      ...calls.length > 0 ? [{ tool_calls: calls }] : [],
      ...this.ending?.refusal ? [{ refusal: this.ending.refusal }] : []
    ]
    const usage = this.countSoFar()
    this.begun = true
    return usage + deltas.map(delta => this.chunks.delta(delta)).join('')
  }

  /** Told as it grows: thoughts that nobody is shown are billed though the answer breaks off. */
  private countSoFar(): string {
    const usage = toChatUsage(this.usage)
    if (!usage || usage.completion_tokens <= this.told) return ''
    this.told = usage.completion_tokens
    return this.chunks.usageSoFar(usage)
  }

  private fail(message: string, type?: string): string {
    this.failed = true
    return this.chunks.failure(message, type)
  }
}

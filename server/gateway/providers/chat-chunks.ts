import type { Connection } from './provider'
import { describeStreamFailure } from './upstream-failure'

/** Each chunk repeats them. */
const MAX_NAME_LENGTH = 256

/** Writes the events of a streamed chat completion. `id` and `model` may be told late: what is written carries them as they are then. */
export class ChatChunks {
  id = ''
  model = ''
  private readonly created: number

  constructor(private readonly connection: Connection, createdAt: Date) {
    this.created = Math.floor(createdAt.getTime() / 1_000)
  }

  delta(delta: object, finishReason: string | null = null): string {
    return this.line([{ index: 0, delta, logprobs: null, finish_reason: finishReason }])
  }

  /** What is known of the usage before the answer is whole: no `completion_tokens`, for there may be more, but how many there are so far. */
  usageSoFar(usage: { prompt_tokens: number, prompt_tokens_details: object, completion_tokens: number } | undefined): string {
    if (!usage) return ''
    const { prompt_tokens, prompt_tokens_details, completion_tokens: written } = usage
    return this.line([], { usage: { prompt_tokens, prompt_tokens_details, ...(written > 0 && { completion_tokens_so_far: written }) } })
  }

  /** The end of a whole answer: why it ended, its usage where that is known, with `rest` beside it, `[DONE]`. */
  end(finishReason: string, usage: object | undefined, rest: object = {}): string {
    return `${this.delta({}, finishReason)}${usage ? this.line([], { usage, ...rest }) : ''}data: [DONE]\n\n`
  }

  /** The end of an answer that broke off. */
  failure(message: string, type = 'upstream_error', code?: string): string {
    return `data: ${JSON.stringify(describeStreamFailure(this.connection, message, type, code))}\n\n`
  }

  private line(choices: unknown[], rest: object = {}): string {
    return `data: ${JSON.stringify({ id: this.id.slice(0, MAX_NAME_LENGTH), object: 'chat.completion.chunk', created: this.created, model: this.model.slice(0, MAX_NAME_LENGTH), choices, ...rest })}\n\n`
  }
}

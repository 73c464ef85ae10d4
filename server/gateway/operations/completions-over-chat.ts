import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { toOpenAiError } from '../openai-error'
import { ToldFailure } from '../providers/upstream-failure'
import { readAs } from '../read-as'
import { readPromptUsage, toChatUsage } from '../usage'
import type { ChatChunk } from './assemble-completion'
import { readChatAnswer } from './chat-completion'
import { ChatEvents } from './chat-events'
import { DEFAULT_MAX_TOKENS } from './completions-body'
import type { CompletionsBody } from './completions-body'
import { maxTokensField, requireStops } from './over-chat'
import type { OverChat } from './over-chat'
import { unaskedServices } from './unpriced'

const absent = 'is not offered by this model, which only chats'

/** What a chat can answer of it. */
const Askable = z.object({
  prompt: z.union([z.string(), z.tuple([z.string()]).transform(([only]) => only)], 'must be one text: this model only chats'),
  max_tokens: z.int().positive().nullish(),
  n: z.literal(1, absent).nullish(),
  best_of: z.literal(1, absent).nullish(),
  echo: z.literal(false, absent).nullish(),
  suffix: z.literal('', absent).nullish(),
  logprobs: z.literal(0, absent).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  seed: z.int().nullish(),
  user: z.string().nullish(),
  ...unaskedServices
})

/**
 * A completion put to a model that only chats: the prompt becomes the user's words.
 * @throws {LoomError} `invalid_request` for what a chat cannot do: several prompts, tokens, `echo`, `suffix`, `logprobs`, `best_of`, and `stop` where the model takes none
 */
export function toCompletionOverChat(body: CompletionsBody, target: Target): OverChat {
  const { prompt, max_tokens: maxTokens, n: _n, best_of: _best, echo: _echo, suffix: _suffix, logprobs: _logprobs, ...rest } = readAs(Askable, body)
  requireStops(target, [rest.stop ?? []].flat(), 'stop')
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== null))
  return {
    body: { messages: [{ role: 'user', content: prompt }], [maxTokensField(target)]: maxTokens ?? DEFAULT_MAX_TOKENS, ...given },
    toAnswer: completion => toCompletion(completion, target.upstreamModel),
    toEvents: () => new CompletionEvents(target.upstreamModel)
  }
}

function toCompletion(completion: unknown, model: string): object {
  const { text, refusal, finishReason, usage, model: named } = readChatAnswer(completion)
  return { ...describe(named ?? model), choices: [choice(text || refusal, finishReason)], ...(usage && { usage: toChatUsage(usage) }) }
}

function describe(model: string) {
  return { id: `cmpl-${uuidv7().replaceAll('-', '')}`, object: 'text_completion', created: Math.floor(Date.now() / 1_000), model }
}

function choice(text: string, finishReason: string | null) {
  return { index: 0, text, logprobs: null, finish_reason: finishReason }
}

/** Chunks of a chat completion as those of a text completion. */
class CompletionEvents extends ChatEvents {
  private readonly head: ReturnType<typeof describe>

  constructor(model: string) {
    super()
    this.head = describe(model)
  }

  protected translate({ choices, model, usage }: ChatChunk): string {
    if (model) this.head.model = model
    const prompt = readPromptUsage(usage) ? this.chunk({ choices: [], usage }) : ''
    return prompt + choices.filter(({ index }) => index === 0).map(({ delta, finish_reason: finishReason }) => {
      const text = (delta?.content ?? '') + (delta?.refusal ?? '')
      return text || finishReason ? this.chunk({ choices: [choice(text, finishReason ?? null)] }) : ''
    }).join('')
  }

  protected finish(): string {
    return `${this.usage ? this.chunk({ choices: [], usage: toChatUsage(this.usage) }) : ''}data: [DONE]\n\n`
  }

  protected failure(message: string): string {
    return `data: ${JSON.stringify(toOpenAiError(new ToldFailure(message)))}\n\n`
  }

  private chunk(rest: object): string {
    return `data: ${JSON.stringify({ ...this.head, ...rest })}\n\n`
  }
}

import { z } from 'zod'
import { MAX_CHOICES, MAX_PARTS } from '../answer-limits'
import { finishReasonOf } from '../finish-reason'
import { isCut } from '../is-cut'
import { newToolCallId } from '../providers/tool-use-id'
import { readUsage } from '../usage'
import type { Usage } from '../usage'
import { withPartsJoined } from './content-parts'
import { reasoningIn } from './reasoning-in'

const ChatCompletion = z.object({
  model: z.string().nullish(),
  choices: z.array(z.object({
    message: z.preprocess(withPartsJoined, z.object({
      content: z.string().nullish(),
      refusal: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.unknown().optional(),
      tool_calls: z.array(z.object({ id: z.string().nullish(), function: z.object({ name: z.string(), arguments: z.string().nullish() }), extra_content: z.unknown().optional() })).max(MAX_PARTS).nullish()
    })),
    finish_reason: z.string().nullish()
  })).min(1).max(MAX_CHOICES),
  usage: z.unknown().optional()
})

/** A call of a tool; `extra` is what a provider wants back with it, such as the signature of Gemini's thought. */
export interface ChatToolCall { id: string, name: string, arguments: string, extra?: unknown }

/** The first choice of a `chat.completion`, for those who translate it. */
export interface ChatAnswer {
  model: string | undefined
  text: string
  refusal: string
  reasoning: string
  toolCalls: ChatToolCall[]
  finishReason: string
  usage: Usage | undefined
}

/** @throws {ZodError} for what is no chat completion with a choice */
export function readChatAnswer(completion: unknown): ChatAnswer {
  const { model, choices: [choice], usage } = ChatCompletion.parse(completion)
  const message = choice?.message
  const finishReason = finishReasonOf(choice?.finish_reason ?? 'stop')
  const calls = message?.tool_calls ?? []
  return {
    model: model || undefined,
    text: message?.content ?? '',
    refusal: message?.refusal ?? '',
    reasoning: message ? reasoningIn(message) : '',
    toolCalls: calls.map((call, index) => {
      // A call of a tool that needs none comes without arguments, and one that was cut off before them, too.
      const none = isCut(finishReason) && index === calls.length - 1 ? '' : '{}'
      return { id: call.id || newToolCallId(), name: call.function.name, arguments: call.function.arguments || none, extra: call.extra_content }
    }),
    finishReason,
    usage: readUsage(usage)
  }
}

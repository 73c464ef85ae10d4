import { z } from 'zod'
import { LoomError } from '../../errors'
import { MAX_ITEMS } from '../answer-limits'
import { isCut } from '../is-cut'
import { finishReason, MessageUsage, toChatUsage } from './anthropic-usage'

/** Blocks of kinds not named here (server tools, redacted thinking) have no place in a chat completion. */
const Block = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('thinking'), thinking: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({ type: z.string() }).transform(() => ({ type: 'other' as const }))
])

const Message = z.object({
  id: z.string(),
  model: z.string(),
  content: z.array(Block).max(MAX_ITEMS),
  stop_reason: z.string().nullish(),
  usage: MessageUsage.optional()
})

/**
 * A whole message as a `chat.completion` object.
 * @throws {LoomError} `upstream_error` when it is no message
 */
export function toChatCompletion(text: string, createdAt: Date): Record<string, unknown> {
  const message = readMessage(text)
  const reason = finishReason(message.stop_reason)
  // Cut off within a call, a message shows what there is of its input as if it were all: a client would run it.
  const finished = isCut(reason) && message.content.at(-1)?.type === 'tool_use' ? message.content.slice(0, -1) : message.content
  const toolCalls = finished.flatMap(block => block.type === 'tool_use'
    ? [{ id: block.id, type: 'function', function: { name: block.name, arguments: JSON.stringify(block.input ?? {}) } }]
    : [])
  const content = message.content.flatMap(block => block.type === 'text' ? [block.text] : []).join('')
  const reasoning = message.content.flatMap(block => block.type === 'thinking' ? [block.thinking] : []).join('')
  const usage = message.usage && toChatUsage(message.usage)
  return {
    id: message.id,
    object: 'chat.completion',
    created: Math.floor(createdAt.getTime() / 1_000),
    model: message.model,
    choices: [{
      index: 0,
      message: {
        role: 'assistant',
        content: content || (toolCalls.length > 0 ? null : ''),
        refusal: null,
        ...(reasoning && { reasoning_content: reasoning }),
        ...(toolCalls.length > 0 && { tool_calls: toolCalls })
      },
      logprobs: null,
      finish_reason: reason
    }],
    ...(usage && { usage })
  }
}

function readMessage(text: string): z.infer<typeof Message> {
  try {
    return Message.parse(JSON.parse(text))
  } catch (cause) {
    throw new LoomError('upstream_error', 'Anthropic answered with something that is not a message.', { cause })
  }
}

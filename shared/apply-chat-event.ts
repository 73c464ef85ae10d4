import type { ChatEvent } from './chat-events'
import type { Message, MessagePart } from './messages'

/** The part with `text` at its end: of its `arguments` when it is a tool call, of its `text` otherwise. Attachments do not grow. */
export function appendToPart(part: MessagePart, text: string): MessagePart {
  if (part.type === 'image' || part.type === 'file') return part
  return part.type === 'tool_call' ? { ...part, arguments: part.arguments + text } : { ...part, text: part.text + text }
}

/**
 * The answer after one more event of its stream. Pure: unchanged parts keep their identity, so that a view redraws
 * only what moved. `message` is undefined before the first event.
 */
export function applyChatEvent(message: Message | undefined, event: ChatEvent): Message | undefined {
  switch (event.type) {
    case 'message':
    case 'snapshot':
    case 'done':
    case 'error':
      return event.message
    case 'usage': {
      const { type: _, ...usage } = event
      return message && { ...message, ...usage }
    }
    case 'part':
      return message && { ...message, status: 'streaming', parts: [...message.parts.slice(0, event.part.index), event.part] }
    case 'delta':
      return message && replacePart(message, event.index, part => appendToPart(part, event.text))
    case 'approval':
      return message && replacePart(message, event.index, part => part.type === 'tool_call' ? { ...part, approval: event.approval } : part)
    case 'part_done':
      return message && replacePart(message, event.index, part => ({ ...part, completedAt: event.completedAt }))
  }
}

function replacePart(message: Message, index: number, change: (part: MessagePart) => MessagePart): Message {
  return { ...message, parts: message.parts.map(part => part.index === index ? change(part) : part) }
}

import type { Message } from '#shared/messages'

/** The words of a message without what it thought, called or got back: what one reads, hears and copies. */
export function readAnswerText(message: Message): string {
  return message.parts.flatMap(part => part.type === 'text' ? [part.text] : []).join('\n\n')
}

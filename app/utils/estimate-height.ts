import type { Message } from '#shared/messages'

const LINE_PX = 25
const CHARACTER_PX = 7.5
/** What stands around the words: spaces, actions, figures. */
const AROUND_PX = { user: 84, assistant: 96 }
const FOLD_PX = 50
/** Of an answer. */
const PICTURE_PX = 320

/** About how high a message will be in a column `width` pixels wide, before it has ever been drawn. */
export function estimateHeight({ role, parts }: Message, width = 640): number {
  const characters = Math.max(20, width / CHARACTER_PX) * (role === 'user' ? 0.8 : 1)
  const words = parts.reduce((sum, part) => sum + (part.type === 'text' ? linesOf(part.text, characters) * LINE_PX : part.type === 'error' ? LINE_PX : part.type === 'image' && role === 'assistant' ? PICTURE_PX : FOLD_PX), 0)
  return words + (role === 'user' ? AROUND_PX.user : AROUND_PX.assistant)
}

function linesOf(text: string, characters: number): number {
  return text.split('\n').reduce((sum, line) => sum + Math.max(0.7, Math.ceil(line.length / characters)), 0)
}

/** An attachment, whose bytes are read only when it is really sent. */
export interface ContextFile {
  fileId: string
  name: string
  mime: string
  sizeBytes: number
}

/** A tool call that came to an end. */
export interface ContextCall {
  toolCallId: string
  toolName: string
  /** The JSON the model wrote. */
  arguments: string
}

export interface ContextMessage {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: string
  files?: ContextFile[]
  calls?: ContextCall[]
  /** Of a tool's result. */
  toolCallId?: string
}

/** Short of the four that English averages, so that code and other languages fit as well. */
const CHARACTERS_PER_TOKEN = 3
/** The part of a context window that is left for the answer. */
const ANSWER_SHARE = 0.25
/** What an image or a PDF counts: providers count some 1,500 tokens for a large image. */
const CHARACTERS_PER_MEDIUM = 4_500
/** What a model is taken to read when its window is not known. */
const UNKNOWN_WINDOW_TOKENS = 32_000

/**
 * What of a thread is sent: the instructions, then as many of the newest turns as fit the model's window, from a user message
 * on. The last message always goes, however long: the provider then says that it is too long, better than we could.
 */
export function trimContext(instructions: string, thread: readonly ContextMessage[], windowTokens = UNKNOWN_WINDOW_TOKENS): ContextMessage[] {
  const system: ContextMessage[] = instructions === '' ? [] : [{ role: 'system', content: instructions }]
  let left = windowTokens * (1 - ANSWER_SHARE) * CHARACTERS_PER_TOKEN - instructions.length
  let first = thread.length
  for (let index = thread.length - 1; index >= 0; index--) {
    const message = thread[index]
    if (!message) break
    left -= lengthOf(message)
    if (left < 0) break
    if (message.role === 'user') first = index
  }
  return [...system, ...thread.slice(Math.min(first, thread.length - 1))]
}

function lengthOf({ content, files = [], calls = [] }: ContextMessage): number {
  const attached = files.reduce((sum, { mime, sizeBytes }) => sum + (mime === 'text/plain' ? sizeBytes : CHARACTERS_PER_MEDIUM), 0)
  return content.length + attached + calls.reduce((sum, call) => sum + call.arguments.length, 0)
}

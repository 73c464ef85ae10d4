import { believeCount, estimateFileTokens, estimateTextTokens, questionRoom } from '../../shared/context-window'

/** An attachment, whose bytes are read only when it is really sent. */
export interface ContextFile {
  fileId: string
  name: string
  mime: string
  sizeBytes: number
  /** A provider would not take the question that it came with. */
  refused?: boolean
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
  /** What the thread took down to here, the instructions with it, as a provider counted it that read all of it. */
  countedTokens?: number | undefined
}

export interface TrimmedContext {
  /** The instructions, then the newest turns, from a user message on. */
  messages: ContextMessage[]
  /** Questions of the thread, with their answers, that are not among them. */
  leftOutTurns: number
}

/** What stands before a thread. */
export interface Opening {
  instructions: string
  /** Of the project: they come with the first question that is sent. */
  shown: readonly ContextFile[]
}

/**
 * What of a thread is sent: the instructions, then as many of the newest turns as fit the model's window. What a provider has counted before is believed, the
 * rest estimated. The last message always goes, however long: the provider then says that it is too long, better than we could.
 */
export function trimContext({ instructions, shown }: Opening, thread: readonly ContextMessage[], windowTokens: number): TrimmedContext {
  const openingTokens = estimateMessage({ content: instructions, files: shown })
  const system: ContextMessage[] = instructions === '' ? [] : [{ role: 'system', content: instructions }]
  const estimates = thread.map(estimateMessage)
  const counted = thread.findLastIndex(({ countedTokens }) => countedTokens !== undefined)
  const estimatedThere = openingTokens + sum(estimates.slice(0, counted + 1))
  const there = believeCount(thread[counted]?.countedTokens, estimatedThere)
  /** What a token of an estimate came to where it was counted. */
  const rate = there / Math.max(1, estimatedThere)
  const room = questionRoom(windowTokens)
  const fits = there + sum(estimates.slice(counted + 1)) <= room
  let left = room - openingTokens * rate
  let first = thread.length - 1
  for (const [index, { role }] of [...thread.entries()].toReversed()) {
    left -= (estimates[index] ?? 0) * (index <= counted ? rate : 1)
    if (!fits && left < 0) break
    if (role === 'user') first = index
  }
  return { messages: [...system, ...thread.slice(first)], leftOutTurns: thread.slice(0, first).filter(({ role }) => role === 'user').length }
}

function estimateMessage({ content, files = [], calls = [] }: { content: string, files?: readonly ContextFile[], calls?: readonly ContextCall[] }): number {
  return estimateTextTokens(content) + sum(files.map(estimateFileTokens)) + sum(calls.map(call => estimateTextTokens(call.arguments)))
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

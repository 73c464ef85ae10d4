import type { Model } from '#shared/catalog'
import { believeCount, estimateFileTokens, estimateTextTokens, questionRoom, windowOf } from '#shared/context-window'
import type { Message, MessagePart } from '#shared/messages'

const PRICE_UNIT = 1_000_000n

interface Question {
  draft: string
  files: readonly { mime: string, sizeBytes: number }[]
  /** What the thread before it takes. */
  threadTokens: number
  model: Pick<Model, 'price' | 'contextWindow'> | undefined
}

/** What a message will send to the model: tokens, their price without the answer's (null where none is known), and whether all of it fits. */
export function estimateQuestion({ draft, files, threadTokens, model }: Question): { tokens: number, costNanoUsd: string | null, fits: boolean } {
  const tokens = threadTokens + estimateTextTokens(draft) + sum(files.map(estimateFileTokens))
  const cost = model?.price ? BigInt(tokens) * BigInt(model.price.inputNanoUsd) : null
  return {
    tokens,
    costNanoUsd: cost === null ? null : ((cost + PRICE_UNIT - 1n) / PRICE_UNIT).toString(),
    fits: !model || tokens <= questionRoom(windowOf(model))
  }
}

/**
 * What a thread takes of a model's window, in tokens: as its provider counted it for the newest answer that read all of it, and about what followed.
 * @param openingTokens about what stands before its first question
 */
export function estimateThread(openingTokens: number, messages: readonly Message[]): number {
  const last = messages.findLastIndex(({ contextTokens, leftOutTurns }) => contextTokens && leftOutTurns === 0)
  return believeCount(messages[last]?.contextTokens ?? undefined, openingTokens + estimateMessages(messages.slice(0, last + 1))) + estimateMessages(messages.slice(last + 1))
}

/** About what is read of messages. */
const estimateMessages = (messages: readonly Message[]) => sum(messages.flatMap(({ parts }) => parts.map(estimatePart)))

function estimatePart(part: MessagePart): number {
  if (part.type === 'image' || part.type === 'file') return estimateFileTokens(part)
  if (part.type === 'tool_call') return estimateTextTokens(part.arguments)
  return part.type === 'text' || part.type === 'tool_result' ? estimateTextTokens(part.text) : 0
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

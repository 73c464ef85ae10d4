import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ChatEvent } from '../../shared/chat-events'
import { toStorableText } from '../../shared/json'
import type { ImagePart, MessagePart, ToolResultPart } from '../../shared/messages'
import { MAX_CHOICES, MAX_PARTS } from '../gateway/answer-limits'
import { reasoningIn } from '../gateway/operations/reasoning-in'
import { newToolCallId } from '../gateway/providers/tool-use-id'
import { readUsage } from '../gateway/usage'

/** Pictures of one answer that are kept. */
const PICTURES_MAX = 8

const text = z.string().nullish().catch(undefined)

/** What of a `chat.completion.chunk` becomes parts; a field of another shape counts as absent, as providers invent many. */
const Chunk = z.looseObject({
  choices: z.array(z.looseObject({
    index: z.number().catch(0),
    finish_reason: text,
    delta: z.looseObject({
      content: text,
      reasoning_content: text,
      reasoning: text,
      images: z.array(z.looseObject({ image_url: z.looseObject({ url: z.string() }) })).max(MAX_PARTS).nullish().catch(undefined),
      tool_calls: z.array(z.looseObject({
        index: z.number().catch(0),
        id: text,
        function: z.looseObject({ name: text, arguments: text }).catch({}),
        extra_content: z.record(z.string(), z.unknown()).optional().catch(undefined)
      })).max(MAX_PARTS).nullish().catch(undefined)
    }).catch({})
  })).max(MAX_CHOICES).catch([]),
  usage: z.unknown().optional()
})

export type PartEvent = Extract<ChatEvent, { type: 'part' | 'delta' | 'part_done' | 'usage' | 'approval' }>

/**
 * Turns the chunks of one answer into events: a run of text or of reasoning is a part, each tool call is one. A part is
 * done when the next one begins. Only the first choice is read: a conversation asks for one.
 */
export function createPartAssembler(now: () => Date = () => new Date()) {
  let open: Pick<MessagePart, 'index' | 'type'> | undefined
  let nextIndex = 0
  let finishReason: string | undefined
  const toolParts = new Map<number, number>()
  let pictures: string[] = []
  /** By their SHA-256: some servers send them once more at the end. */
  const picturesSeen = new Set<string>()
  /** By the id of each call: what its provider wants back with it. */
  const extras = new Map<string, object>()

  function finishOpen(): PartEvent[] {
    if (!open) return []
    const { index } = open
    open = undefined
    return [{ type: 'part_done', index, completedAt: now().toJSON() }]
  }

  function begin(part: DistributiveOmit<MessagePart, 'index' | 'startedAt' | 'completedAt'>): PartEvent[] {
    const finished = finishOpen()
    const begun = { ...part, index: nextIndex++, startedAt: now().toJSON(), completedAt: null }
    open = begun
    return [...finished, { type: 'part', part: begun }]
  }

  function takeText(type: 'text' | 'reasoning', piece: string | null | undefined): PartEvent[] {
    if (!piece) return []
    return open?.type === type ? [{ type: 'delta', index: open.index, text: piece }] : begin({ type, text: piece })
  }

  function takePicture(url: string): void {
    const digest = createHash('sha256').update(url).digest('base64')
    if (picturesSeen.size >= PICTURES_MAX || picturesSeen.has(digest)) return
    picturesSeen.add(digest)
    pictures.push(url)
  }

  /** Some servers send no ids, others the same ones in each step; within an answer each call has its own. */
  function ownId(id: string | null | undefined): string {
    return id && !extras.has(id) ? id : newToolCallId()
  }

  function takeToolCall({ index, id, function: call, extra_content: extra }: { index: number, id?: string | null, function: { name?: string | null, arguments?: string | null }, extra_content?: Record<string, unknown> | undefined }): PartEvent[] {
    const part = toolParts.get(index)
    if (part !== undefined) return call.arguments ? [{ type: 'delta', index: part, text: call.arguments }] : []
    toolParts.set(index, nextIndex)
    const toolCallId = ownId(id && toStorableText(id))
    extras.set(toolCallId, extra ? { extra_content: extra } : {})
    return begin({ type: 'tool_call', toolCallId, toolName: toStorableText(call.name ?? ''), arguments: call.arguments ?? '' })
  }

  return {
    /** The model is asked once more: its calls are counted from 0 again. */
    beginStep: () => toolParts.clear(),
    extraOf: (toolCallId: string) => extras.get(toolCallId),
    nextIndex: () => nextIndex,
    /** A part that has `nextIndex()`, whole as it is. */
    takeWhole(part: ToolResultPart | ImagePart): PartEvent[] {
      nextIndex = part.index + 1
      return [...finishOpen(), { type: 'part', part }]
    },
    /** What Loom itself says in the answer. */
    say: (words: string) => begin({ type: 'text', text: words }),
    /** The pictures that came since they were last asked for, as they were written: base64 in `data:` URLs. */
    newPictures() {
      const since = pictures
      pictures = []
      return since
    },
    take(chunk: Record<string, unknown>): PartEvent[] {
      const { choices, usage } = Chunk.parse(chunk)
      const { delta, finish_reason: reason } = choices.find(choice => choice.index === 0) ?? {}
      finishReason = reason ?? finishReason
      for (const { image_url: { url } } of delta?.images ?? []) takePicture(url)
      const counted = readUsage(usage)
      return [
        ...takeText('reasoning', delta && reasoningIn(delta)),
        ...takeText('text', delta?.content),
        ...(delta?.tool_calls ?? []).flatMap(takeToolCall),
        ...(counted ? [usageEvent(counted)] : [])
      ]
    },
    /** Why the model did not come to the end of its words, if it ran out of tokens for them. */
    shortfall: () => finishReason === 'length' ? { code: 'length_limit', message: 'The answer reached the longest length it may have, so it was cut here.' } : null,
    /** Closes what is open and, when the answer failed, says why in a part of its own. */
    finish(failure: { code: string, message: string } | null): PartEvent[] {
      if (!failure) return finishOpen()
      return [...begin({ type: 'error', code: failure.code, text: failure.message }), ...finishOpen()]
    }
  }
}

export type PartAssembler = ReturnType<typeof createPartAssembler>

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never

function usageEvent({ inputTokens, outputTokens, cachedInputTokens, reasoningTokens }: NonNullable<ReturnType<typeof readUsage>>): PartEvent {
  return { type: 'usage', inputTokens, outputTokens, cachedInputTokens, reasoningTokens }
}

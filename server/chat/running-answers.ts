import { LoomError } from '../errors'
import { Approvals } from './approvals'
import { applyChatEvent } from '../../shared/apply-chat-event'
import type { ChatEvent } from '../../shared/chat-events'
import type { Message } from '../../shared/messages'
import type { NumberedEvent } from './event-log'
import type { EndEvent } from './read-answer'
import { FIRST_EVENT_ID } from './select-messages'

/** Why an answer ended before the model had finished; `taken_over`: another replica took this process for gone and settled it. */
export type StopReason = 'stopped' | 'shutdown' | 'too_long' | 'taken_over'

/** The longest answer kept, in UTF-16 code units over all its parts: what bounds the memory of one answer, beside the pictures that come in one piece of it. */
const ANSWER_MAX = 8 * 1024 * 1024
/** What settling an answer may take when the process stops. */
const SETTLE_MS = 3_000

/** The newest events kept for readers who come back; who was away for longer gets the whole answer instead. */
const RECENT_MAX = 2_000

type Listener = (event: NumberedEvent) => void

/** An answer that this process is writing: its state so far, who watches it, and the way to stop it. */
export class RunningAnswer {
  stopReason: StopReason | undefined
  /** The event that ended it, once it is settled. */
  ended: EndEvent | undefined
  /** The number of its newest event. */
  lastId = FIRST_EVENT_ID
  /** Its tool calls that wait for somebody's word. */
  readonly approvals = new Approvals()
  private recent: NumberedEvent[] = []
  private readonly listeners = new Set<Listener>()
  private readonly controller = new AbortController()
  private length = 0

  constructor(readonly orgId: string, private current: Message) {}

  /** The answer so far, with all its parts. */
  get message(): Message {
    return this.current
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Ends the model's call; the answer is then settled with what it has. The first reason stays. */
  stop(reason: StopReason): void {
    this.stopReason ??= reason
    this.controller.abort(new LoomError('caller_gone', 'The answer was stopped.'))
  }

  /** Its events after that one; undefined when they are not at hand any more, or there never was such an event. */
  since(id: number): NumberedEvent[] | undefined {
    const oldest = this.recent[0]?.id ?? this.lastId + 1
    return id >= oldest - 1 && id <= this.lastId ? this.recent.filter(item => item.id > id) : undefined
  }

  publish(event: ChatEvent): NumberedEvent {
    const item = { id: ++this.lastId, event }
    this.current = applyChatEvent(this.current, event) ?? this.current
    if (event.type === 'done' || event.type === 'error') this.ended = event
    this.length += lengthOf(event)
    if (this.length > ANSWER_MAX) this.stop('too_long')
    this.recent.push(item)
    // Half at once, so that dropping the oldest costs next to nothing an event.
    if (this.recent.length > RECENT_MAX * 2) this.recent = this.recent.slice(-RECENT_MAX)
    for (const listener of this.listeners) listener(item)
    return item
  }

  /** Calls back with each event from now on; the returned function ends that. */
  watch(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}

function lengthOf(event: ChatEvent): number {
  return event.type === 'delta' ? event.text.length : event.type === 'part' ? JSON.stringify(event.part).length : 0
}

/** The answers of this process, by conversation: the only place that knows them. */
const running = new Map<string, { answer: RunningAnswer, settled: Promise<void> }>()

/** Makes the answer findable until `settled` has resolved. */
export function registerAnswer(answer: RunningAnswer, settled: Promise<void>): void {
  const { conversationId } = answer.message
  running.set(conversationId, { answer, settled: settled.finally(() => running.delete(conversationId)) })
}

export function findRunningAnswer(orgId: string, conversationId: string): RunningAnswer | undefined {
  const answer = running.get(conversationId)?.answer
  return answer?.orgId === orgId ? answer : undefined
}

export function findRunningMessage(messageId: string): RunningAnswer | undefined {
  return runningAnswers().find(answer => answer.message.id === messageId)
}

export function runningAnswers(): RunningAnswer[] {
  return [...running.values()].map(({ answer }) => answer)
}

/** Resolves when that answer is settled, or without one all of them; at the latest after `timeoutMs`. */
export async function whenSettled(timeoutMs: number, answer?: RunningAnswer): Promise<void> {
  const awaited = [...running.values()].filter(entry => answer === undefined || entry.answer === answer)
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs)
    void Promise.allSettled(awaited.map(({ settled }) => settled)).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/**
 * For a stop of the process, when no new answers are taken any more: lets the running ones finish for `timeoutMs`, then
 * settles the rest as interrupted with what they have, for three seconds at most.
 */
export async function drainAnswers(timeoutMs: number): Promise<void> {
  await whenSettled(timeoutMs)
  for (const answer of runningAnswers()) answer.stop('shutdown')
  await whenSettled(SETTLE_MS)
}

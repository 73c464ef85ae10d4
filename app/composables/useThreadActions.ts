import type { InjectionKey } from 'vue'
import type { AnswerRequest, ToolDecision } from '#shared/answers'
import type { Feedback, Message, ToolCallPart } from '#shared/messages'

/** What can be done with the messages of the conversation on the screen. Each reports its own failure. */
export interface ThreadActions {
  /** An answer is being written: nothing else can begin. */
  busy: Readonly<Ref<boolean>>
  /** The person at the screen reads and begins nothing. */
  readonly?: Readonly<Ref<boolean>>
  /** Kept nowhere: there is nothing but to read and to copy. */
  temporary?: boolean
  /** Answers the same message once more, beside this answer. */
  retry: (answer: Message, model?: string) => Promise<void>
  /** Goes on with an answer below it. */
  proceed: (answer: Message) => Promise<void>
  /** Sends a message anew with another text, beside the old one. */
  edit: (message: Message, text: string) => Promise<void>
  /** Shows the branch through another message: to everybody, or to who only reads to themselves. */
  show: (messageId: string) => Promise<void>
  /** Lets a tool call that asks run, or refuses it. */
  decide: (call: ToolCallPart, decision: ToolDecision) => Promise<void>
  /** Shows a document that a tool made, beside the thread. */
  openArtifact: (artifact: { path: string, version: number }) => void
  /** Keeps what the reader thinks of an answer; null takes it back. False where that failed. */
  rate: (answer: Message, feedback: Feedback | null) => Promise<boolean>
  /** Goes on from a message in a conversation of its own: with the thread down to it, or with a summary of that. */
  branchOff: (messageId: string, summary: boolean) => Promise<void>
  /** What is being written in place of a user's message, or of the comment on an answer, by the message's id: kept while it is out of sight. */
  edits: { get: (messageId: string) => string | undefined, set: (messageId: string, text: string) => unknown, delete: (messageId: string) => unknown }
  /** The call behind an answer; undefined when it could not be read. */
  readRequest: (answer: Message) => Promise<AnswerRequest | undefined>
}

const key: InjectionKey<ThreadActions> = Symbol('the actions of a thread')

export const provideThreadActions = (actions: ThreadActions) => provide(key, actions)

/** For components inside a thread. */
export function useThreadActions(): ThreadActions {
  const actions = inject(key)
  if (!actions) throw new Error('This component stands outside a thread.')
  return actions
}

import type { ChatChunk, ToolCallDelta } from './assemble-completion'
import { JsonProgress } from './json-progress'

/** Calls of one answer that are told apart. */
const MAX_CALLS = 1_024

/** The call that is being written at an index of the provider's. */
interface OpenCall { number: number, id: string | undefined, name: string | undefined, arguments: JsonProgress }

interface Choice {
  open: Map<number, OpenCall>
  taken: Set<number>
  /** Not where a server writes another id with every piece, as older vLLM does for a tool that was forced. */
  idsTellCalls: boolean
}

/**
 * Gives each call of a tool in a stream an index of its own. Some servers write the same index for all calls of an answer, or none:
 * there, a name under another id begins a call. The same name does so only after whole arguments, for amid them, or before, ids mean nothing; or beside another
 * in one chunk, for no server writes two pieces of a call at once.
 */
export class CallNumbers {
  private readonly choices = new Map<number, Choice>()

  /** Puts the numbers in the place of the indexes that came. */
  assign(chunk: ChatChunk): void {
    for (const { index, delta, finish_reason: end } of chunk.choices) {
      const written = new Set<OpenCall>()
      for (const call of delta?.tool_calls ?? []) {
        const choice = this.choices.get(index) ?? { open: new Map(), taken: new Set(), idsTellCalls: true }
        this.choices.set(index, choice)
        const open = openCall(choice, call, Boolean(end), written)
        written.add(open)
        open.arguments.read(call.function?.arguments ?? '')
        call.index = open.number
      }
    }
  }
}

/**
 * The call that this is a piece of.
 * @param written calls that have a piece in this chunk already
 */
function openCall(choice: Choice, call: ToolCallDelta, isLast: boolean, written: ReadonlySet<OpenCall>): OpenCall {
  const current = choice.open.get(call.index)
  const [id, name] = [call.id || undefined, call.function?.name || undefined]
  if (current && !begins(choice, current, call, isLast, written.has(current))) {
    current.id ??= id
    current.name ??= name
    return current
  }
  const number = choice.taken.has(call.index) ? Math.max(...choice.taken) + 1 : call.index
  const opened = { number, id, name, arguments: new JsonProgress() }
  choice.open.set(call.index, opened)
  choice.taken.add(number)
  return opened
}

/** Whether this piece begins a call; it may be what shows that ids mean nothing here. */
function begins(choice: Choice, current: OpenCall, { id, function: called }: ToolCallDelta, isLast: boolean, isWritten: boolean): boolean {
  if (!called?.name || !id || id === current.id || choice.taken.size >= MAX_CALLS) return false
  if (called.name !== current.name || (isWritten && current.id)) return true
  if (current.id && !current.arguments.isWhole) choice.idsTellCalls = false
  // The piece that ends the answer of such a server is empty, and has a new id too.
  const isEmptyEnd = isLast && !called.arguments
  return choice.idsTellCalls && current.arguments.isWhole && !isEmptyEnd
}

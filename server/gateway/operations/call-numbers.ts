import type { ChatChunk } from './assemble-completion'

/** Calls of one answer that are told apart. */
const MAX_CALLS = 1_024

/** The call that is being written at an index of the provider's. */
interface OpenCall { number: number, id: string | undefined }

/**
 * Gives each call of a tool in a stream an index of its own. Some servers write the same index for all calls of an answer, or none:
 * there, a name under another id begins a call.
 */
export class CallNumbers {
  /** By the choice they belong to. */
  private readonly choices = new Map<number, { open: Map<number, OpenCall>, taken: Set<number> }>()

  /** Puts the numbers in the place of the indexes that came. */
  assign(chunk: ChatChunk): void {
    for (const { index: choice, delta } of chunk.choices) {
      for (const call of delta?.tool_calls ?? []) call.index = this.numberOf(choice, call.index, call.id || undefined, Boolean(call.function?.name))
    }
  }

  private numberOf(choice: number, index: number, id: string | undefined, isNamed: boolean): number {
    const { open, taken } = this.choices.get(choice) ?? { open: new Map<number, OpenCall>(), taken: new Set<number>() }
    const current = open.get(index)
    const begins = !current || (isNamed && id !== undefined && id !== current.id && taken.size < MAX_CALLS)
    if (!begins) {
      current.id ??= id
      return current.number
    }
    const number = taken.has(index) ? Math.max(...taken) + 1 : index
    open.set(index, { number, id })
    taken.add(number)
    this.choices.set(choice, { open, taken })
    return number
  }
}

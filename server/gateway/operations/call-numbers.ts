import type { ChatChunk, ToolCallDelta } from './assemble-completion'
import { JsonProgress } from './json-progress'

/** Calls of one answer that are told apart. */
const MAX_CALLS = 1_024

/** The call that is being written at an index of the provider's. */
interface OpenCall { number: number, id: string | undefined, name: string | undefined, arguments: JsonProgress }

/**
 * Gives each call of a tool in a stream an index of its own. Some servers write the same index for all calls of an answer, or none:
 * there, a name under another id begins a call, as another name does after whole arguments. The same name does so only after whole arguments, for amid them, or before,
 * ids mean nothing; or beside another in one chunk, for no server writes two pieces of a call at once. Names without ids, before any arguments, may be pieces of one name.
 */
export class CallNumbers {
  private readonly choices = new Map<number, ChoiceCalls>()

  /** Puts the numbers in the place of the indexes that came. A piece that may be of either call waits for a later chunk. */
  assign(chunk: ChatChunk): void {
    for (const choice of chunk.choices) {
      const { index, delta, finish_reason: end } = choice
      const calls = this.choices.get(index) ?? (delta?.tool_calls?.length ? new ChoiceCalls() : undefined)
      if (!calls) continue
      this.choices.set(index, calls)
      const pieces = calls.number(delta?.tool_calls ?? [], Boolean(end))
      if (pieces.length > 0 || delta?.tool_calls) choice.delta = { ...delta, tool_calls: pieces }
    }
  }
}

class ChoiceCalls {
  private readonly open = new Map<number, OpenCall>()
  private readonly taken = new Set<number>()
  /** Not where a server writes another id with every piece, as older vLLM does for a tool that was forced. */
  private idsTellCalls = true
  /**
   * Pieces at one index that have nothing but the open call's name, and ids of their own, before any arguments: calls without arguments, or what older
   * vLLM writes ahead of a call's first words. It goes on with arguments under yet another id.
   */
  private doubtful: ToolCallDelta[] = []

  /** The pieces whose calls are known now, of this chunk and of those before it. */
  number(pieces: readonly ToolCallDelta[], isLast: boolean): ToolCallDelta[] {
    const written = new Set<OpenCall>()
    const known = pieces.flatMap(piece => this.place(piece, isLast, written))
    return isLast ? [...known, ...this.settle()] : known
  }

  /** @param written calls that have a piece in this chunk already */
  private place(piece: ToolCallDelta, isLast: boolean, written: Set<OpenCall>): ToolCallDelta[] {
    const settled = this.doubtful[0]?.index === piece.index ? [] : this.settle()
    const current = this.open.get(piece.index)
    const verdict = current ? this.judge(current, piece, isLast, written.has(current)) : 'begins'
    if (current && verdict === 'in doubt') {
      written.add(current)
      this.doubtful.push(piece)
      return settled
    }
    if (!this.idsTellCalls) this.doubtful = []
    settled.push(...this.settle())
    const call = (verdict === 'continues' ? this.open.get(piece.index) : undefined) ?? this.begin(piece)
    call.id ??= piece.id || undefined
    call.name ??= piece.function?.name || undefined
    call.arguments.read(piece.function?.arguments ?? '')
    written.add(call)
    return [...settled, { ...piece, index: call.number }]
  }

  /** Whether a piece begins a call; it may be what shows that ids mean nothing here. */
  private judge(current: OpenCall, { id, function: called }: ToolCallDelta, isLast: boolean, isWritten: boolean): 'begins' | 'continues' | 'in doubt' {
    if (!called?.name || this.taken.size + this.doubtful.length >= MAX_CALLS) return 'continues'
    if (!id) return called.name !== current.name && current.arguments.isWhole ? 'begins' : 'continues'
    if (id === (this.doubtful.at(-1)?.id ?? current.id)) return 'continues'
    if (called.name !== current.name || (isWritten && current.id)) return 'begins'
    if (!this.idsTellCalls) return 'continues'
    // The piece that ends the answer of a server whose ids mean nothing is empty, and has a new id too.
    if (current.arguments.isWhole) return isLast && !called.arguments ? 'continues' : 'begins'
    if (!current.id) return 'continues'
    if (!current.arguments.hasBegun && !called.arguments) return 'in doubt'
    this.idsTellCalls = false
    return 'continues'
  }

  /** What was in doubt are calls. */
  private settle(): ToolCallDelta[] {
    const calls = this.doubtful
    this.doubtful = []
    return calls.map(piece => ({ ...piece, index: this.begin(piece).number }))
  }

  private begin({ index, id, function: called }: ToolCallDelta): OpenCall {
    const number = this.taken.has(index) ? Math.max(...this.taken) + 1 : index
    const call = { number, id: id || undefined, name: called?.name || undefined, arguments: new JsonProgress() }
    this.open.set(index, call)
    this.taken.add(number)
    return call
  }
}

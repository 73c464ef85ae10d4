import { parseJson } from '../../../shared/parse-json'
import { fieldOf } from '../field-of'

/** How the arguments begin that a model writes for a custom tool. */
const OPENING = /^\s*\{\s*"input"\s*:\s*"/
/** Where they begin otherwise, that shows by then. */
const LONGEST_OPENING = 100

const escapes = new Map([['n', '\n'], ['t', '\t'], ['r', '\r'], ['b', '\b'], ['f', '\f'], ['"', '"'], ['\\', '\\'], ['/', '/']])

/** The arguments by which a model that takes functions alone calls a custom tool with a text. */
export function wrapInput(input: string): string {
  return JSON.stringify({ input })
}

/** The text in whole arguments; as `CustomInput` reads it. */
export function unwrapInput(written: string): string {
  const input = new CustomInput()
  return input.read(written) + input.end()
}

/**
 * Reads the text that a custom tool is called with out of a function's arguments, `{"input": "…"}`, as they are written. Arguments that begin otherwise
 * are kept until all are there; those that are no such object are the text as they stand, for that is what the model had to say.
 */
export class CustomInput {
  private place: 'before' | 'within' | 'behind' | 'elsewhere' = 'before'
  /** What was written, and is not told yet. */
  private held = ''

  /** What more of the text is known. */
  read(piece: string): string {
    if (this.place === 'behind') return ''
    this.held += piece
    if (this.place === 'before') this.open()
    return this.place === 'within' ? this.take() : ''
  }

  /** What is left of the text once all is written. */
  end(): string {
    if (this.place === 'behind') return ''
    if (this.place === 'within') return this.held
    const input = fieldOf(parseJson(this.held), 'input')
    if (typeof input === 'string') return input
    return this.held.trim() === '{}' ? '' : this.held
  }

  private open(): void {
    const opening = OPENING.exec(this.held)?.[0]
    if (opening !== undefined) [this.place, this.held] = ['within', this.held.slice(opening.length)]
    else if (this.held.length > LONGEST_OPENING) this.place = 'elsewhere'
  }

  /** Up to the quotation mark that ends it, or to an escape that is not all there. */
  private take(): string {
    const { held } = this
    let end = 0
    while (end < held.length && held[end] !== '"') {
      const next = end + lengthAt(held, end)
      if (next > held.length) break
      end = next
    }
    if (held[end] === '"') this.place = 'behind'
    this.held = held.slice(end)
    return held.slice(0, end).replace(/\\(?:u([\da-fA-F]{4})|(.))/gs, (escape: string, code: string | undefined, letter: string) => code ? String.fromCharCode(Number.parseInt(code, 16)) : escapes.get(letter) ?? escape)
  }
}

function lengthAt(text: string, at: number): number {
  if (text[at] !== '\\') return 1
  return text[at + 1] === 'u' ? 6 : 2
}

import { parseJson } from '../../../shared/parse-json'
import { fieldOf } from '../field-of'

/** How the arguments begin that a model writes for a custom tool. */
const OPENING = /^\s*\{\s*"input"\s*:\s*"/
/** Where they begin otherwise, that shows by then. */
const LONGEST_OPENING = 100
/** A quotation mark that ends the text, where nothing comes behind this; models that nothing holds to JSON write some within it, too. */
const ENDING = /"[\s,}]*$/y
/** What decides nothing of a mark that may end it. */
const UNDECIDING = /^[\s,}]*$/
/** One that ends it or not: another field follows, or such a mark in the text. */
const PERHAPS_ENDING = /"\s*,\s*"/y
/** The first half of a sign that needs two, as it is or escaped. */
const HALF_SIGN = /^(?:[\uD800-\uDBFF]|\\u[dD][89abAB])/

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
 * are kept until all are there; those that are no such object are the text as they stand, for that is what the model had to say. Quotation marks that
 * should have been escaped belong to the text: half a command must not pass for a whole one.
 */
export class CustomInput {
  private place: 'before' | 'within' | 'perhaps behind' | 'elsewhere' = 'before'
  /** What was written, and is not told yet. */
  private held = ''
  /** What is held begins with a mark that ends the text, if no more of it comes. */
  private mayEnd = false

  /** What more of the text is known. */
  read(piece: string): string {
    this.held += piece
    // A model may go on in white space for long, and looking at all that is held for each of it would take ever longer.
    if (this.mayEnd && UNDECIDING.test(piece)) return ''
    if (this.place === 'before') this.open()
    return this.place === 'within' ? this.take() : ''
  }

  /** What is left of the text once all is written. */
  end(): string {
    const { place, held } = this
    if (place === 'within') return held.startsWith('"') ? '' : unescape(held)
    if (place === 'perhaps behind') return parseJson(`{"input":"${held}`) === undefined ? unescape(held.replace(/"[\s,}]*$/, '')) : ''
    const input = fieldOf(parseJson(held), 'input')
    if (typeof input === 'string') return input
    return held.trim() === '{}' ? '' : held
  }

  private open(): void {
    const opening = OPENING.exec(this.held)?.[0]
    if (opening !== undefined) [this.place, this.held] = ['within', this.held.slice(opening.length)]
    else if (this.held.length > LONGEST_OPENING) this.place = 'elsewhere'
  }

  /** Up to a quotation mark that may end it, or to an escape or a sign that is not all there. */
  private take(): string {
    const { held } = this
    let [last, end] = [0, 0]
    while (end < held.length && !this.endsAt(end)) {
      const next = end + lengthAt(held, end)
      if (next > held.length) break
      last = end
      end = next
    }
    if (held[end] !== '"' && HALF_SIGN.test(held.slice(last, end))) end = last
    this.held = held.slice(end)
    this.mayEnd = this.held.startsWith('"')
    return unescape(held.slice(0, end))
  }

  private endsAt(at: number): boolean {
    if (this.held[at] !== '"') return false
    if (isAt(PERHAPS_ENDING, this.held, at)) this.place = 'perhaps behind'
    return this.place === 'perhaps behind' || isAt(ENDING, this.held, at)
  }
}

function isAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at
  return pattern.test(text)
}

function lengthAt(text: string, at: number): number {
  if (text[at] !== '\\') return 1
  return text[at + 1] === 'u' ? 6 : 2
}

function unescape(text: string): string {
  return text.replace(/\\(?:u([\da-fA-F]{4})|(.))/gs, (escape: string, code: string | undefined, letter: string) => code ? String.fromCharCode(Number.parseInt(code, 16)) : escapes.get(letter) ?? escape)
}

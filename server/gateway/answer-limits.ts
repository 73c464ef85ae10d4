import { LoomError } from '../errors'
import { UnansweredError } from './transport'

const MEBIBYTE = 1024 * 1024
/** Of a whole answer, and of an event that brings a picture: one of 4K has up to 30 MB in base64, and Gemini draws it in a chat. */
export const MAX_ANSWER_BYTES = 64 * MEBIBYTE

/**
 * What is larger than that and is not taken, though its provider was at work on it.
 * @param mayStream see `UnansweredError`
 */
export function tooLarge(what: 'answer' | 'event', mayStream = false): UnansweredError {
  return new UnansweredError(new LoomError('upstream_error', `The provider sent an ${what} larger than ${MAX_ANSWER_BYTES / MEBIBYTE} MiB.`), mayStream)
}

/**
 * As many as the log probabilities of an answer of 64 MiB have. Each may take twenty times its bytes once it is parsed, the numbers and texts in them far less:
 * without this bound an answer could take two gigabytes.
 */
const MAX_LISTS_AND_OBJECTS = 2_500_000
const OPENING_SIGNS = ['[', '{']

/**
 * @param json a whole answer, or an event of one
 * @throws {UnansweredError} for what would take too much memory once it is parsed
 */
export function requireTakeable(json: Buffer, what: 'answer' | 'event'): void {
  if (json.length > MAX_ANSWER_BYTES) throw tooLarge(what)
  if (json.length <= MAX_LISTS_AND_OBJECTS) return
  let count = 0
  for (const sign of OPENING_SIGNS) {
    for (let at = json.indexOf(sign); at !== -1; at = json.indexOf(sign, at + 1)) {
      if (++count > MAX_LISTS_AND_OBJECTS) throw new UnansweredError(new LoomError('upstream_error', `The provider sent an ${what} of more lists and objects than are read.`))
    }
  }
}

/** What follows is the most that is read of lists in providers' answers: zod keeps an issue for each element that does not fit, and an answer has room for millions. */

/** As many as may be asked for. */
export const MAX_CHOICES = 128
/** Of a message: parts of its text, or calls of tools. */
export const MAX_PARTS = 1_024
/** Blocks and items of a whole answer. */
export const MAX_ITEMS = 10_000

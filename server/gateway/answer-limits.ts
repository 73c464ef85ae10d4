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

/** What follows is the most that is read of lists in providers' answers: zod keeps an issue for each element that does not fit, and an answer has room for millions. */

/** As many as may be asked for. */
export const MAX_CHOICES = 128
/** Of a message: parts of its text, or calls of tools. */
export const MAX_PARTS = 1_024
/** Blocks and items of a whole answer. */
export const MAX_ITEMS = 10_000

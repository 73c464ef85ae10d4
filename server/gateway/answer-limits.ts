/** Of a whole answer, and of an event that brings a picture: one of 4K has up to 30 MB in base64. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** What follows is the most that is read of lists in providers' answers: zod keeps an issue for each element that does not fit, and an answer has room for millions. */

/** As many as may be asked for. */
export const MAX_CHOICES = 128
/** Of a message: parts of its text, or calls of tools. */
export const MAX_PARTS = 1_024
/** Blocks and items of a whole answer. */
export const MAX_ITEMS = 10_000

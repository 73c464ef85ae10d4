/** The longest user message, in UTF-16 code units. */
export const MESSAGE_TEXT_MAX = 200_000

/** The longest comment with what somebody thinks of an answer, likewise. */
export const FEEDBACK_COMMENT_MAX = 2_000

/** Files a message may carry. */
export const MESSAGE_FILES_MAX = 20

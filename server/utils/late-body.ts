import type { H3Event } from 'h3'

const questions = new WeakMap<H3Event, () => Promise<void>>()

/**
 * Who calls is known before the body is read, and a sender may take minutes for that: `question`, which throws where they may no longer do this, is
 * asked once it has come. Of a body that is there already, as most are, nothing is: call it as soon as it is known who calls.
 */
export function askAfterBody(event: H3Event, question: () => Promise<void>): void {
  if (!event.node.req.complete) questions.set(event, question)
}

/** To be called after the last byte of a body, before anything is done with it. */
export async function bodyHasCome(event: H3Event): Promise<void> {
  await questions.get(event)?.()
}

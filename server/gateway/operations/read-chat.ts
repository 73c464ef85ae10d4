import { z } from 'zod'
import { MAX_CHOICES } from '../answer-limits'
import { parseAnswer } from '../told-failure'
import { readUsage } from '../usage'
import { chatOutput, HeardAndSeen } from './chat-output'
import type { Made, WholeAnswer } from './operation'
import { reasoningIn } from './reasoning-in'
import { findSurcharge } from './unpriced'

/** A `chat.completion`, as far as the road reads it. */
const Completion = z.looseObject({
  choices: z.array(z.looseObject({
    message: z.looseObject({ content: z.unknown().optional(), reasoning_content: z.string().nullish().catch(undefined), tool_calls: z.unknown().optional(), ...chatOutput }).nullish()
  })).min(1).max(MAX_CHOICES),
  usage: z.unknown().optional()
})
type Completion = z.infer<typeof Completion>

/**
 * Reads a whole chat as it goes to its caller.
 * @param audio how sound was asked for
 * @throws {LoomError} `upstream_error` for a failure told in it
 * @throws {ZodError} for what is no chat completion
 */
export function readChat(body: Buffer, audio?: unknown): WholeAnswer {
  const completion = Completion.parse(parseAnswer(body.toString('utf8')))
  return {
    contentType: 'application/json',
    usage: readUsage(completion.usage),
    rawUsage: completion.usage,
    text: () => textOf(completion),
    ...measureOutput(completion, audio),
    surcharge: findSurcharge(completion),
    finish: () => body
  }
}

/** What was written, thought and said; a call of a tool counts with its framing. */
function textOf({ choices }: Completion): string {
  return choices.map(({ message }) => {
    if (!message) return ''
    const { audio, images: _images, ...written } = message
    const isCall = (Array.isArray(message.tool_calls) && message.tool_calls.length > 0) || Boolean(message.function_call)
    const text = typeof message.content === 'string' && !isCall ? reasoningIn(message) + message.content : JSON.stringify(written)
    return text + (audio?.transcript ?? '')
  }).join('')
}

const AskedSound = z.object({ format: z.string() })

/** @param audio how the sound was asked for */
function measureOutput({ choices }: Completion, audio: unknown): Made {
  const heardAndSeen = new HeardAndSeen(audio === undefined ? undefined : AskedSound.safeParse(audio).data?.format)
  for (const { message } of choices) if (message) heardAndSeen.add(message)
  return heardAndSeen.made
}

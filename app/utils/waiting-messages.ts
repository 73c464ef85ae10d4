import { z } from 'zod'
import type { OutgoingMessage } from '~/composables/useThread'
import { KeptFiles } from './kept-files'

const WaitingMessage = z.object({
  clientId: z.string(), text: z.string(), model: z.string().optional(), files: KeptFiles.optional(), tools: z.boolean().optional(), parentId: z.string().nullable().optional()
}).transform(({ model, ...message }): OutgoingMessage => ({ ...message, model }))

/** The messages of a tab as this browser keeps them: the one being sent, and those that wait for their turn. */
export const WaitingMessages = z.object({ sending: WaitingMessage.optional(), waiting: z.array(WaitingMessage) })
export type WaitingMessages = z.infer<typeof WaitingMessages>

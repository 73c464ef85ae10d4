import { z } from 'zod'
import { AttachedFiles } from './attached-file'

/** Messages that wait for their turn, as this browser keeps them. */
export const WaitingMessages = z.array(z.object({ text: z.string(), model: z.string().optional(), files: AttachedFiles.optional(), tools: z.boolean().optional() }))

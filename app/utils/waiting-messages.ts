import { z } from 'zod'
import { KeptFiles } from './kept-files'

/** Messages that wait for their turn, as this browser keeps them. */
export const WaitingMessages = z.array(z.object({ text: z.string(), model: z.string().optional(), files: KeptFiles.optional(), tools: z.boolean().optional() }))

import { z } from 'zod'
import type { AttachedFile } from '~/utils/attached-file'

/** The files of a draft, or of a message that waits, as this browser keeps them. */
export const KeptFiles: z.ZodType<AttachedFile[]> = z.array(z.object({ fileId: z.string(), name: z.string(), mime: z.string(), sizeBytes: z.number(), scaled: z.boolean().optional() }))

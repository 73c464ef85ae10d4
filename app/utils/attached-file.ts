import { z } from 'zod'

/** A file that goes, or went, with a message. */
export const AttachedFile = z.object({
  fileId: z.string(), name: z.string(), mime: z.string(), sizeBytes: z.number(),
  /** Smaller than what was chosen: see `scaleImage`. */
  scaled: z.boolean().optional()
})
export type AttachedFile = z.infer<typeof AttachedFile>

export const AttachedFiles = z.array(AttachedFile)

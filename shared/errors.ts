import { z } from './zod'

/** What `/api` answers when it refuses or fails. */
export interface ApiErrorBody {
  error: {
    code: string
    /** What happened and what to do next, fit to be shown. */
    message: string
    /** The field at fault. */
    param?: string
    /** For programs; `issues` lists what is wrong with a request that did not parse. */
    details?: Record<string, unknown>
  }
}

/** Details of the 409 `conflict` that a change with `If-Match` gets when its thing is another by now. */
export const ChangedMeanwhile = z.object({
  /** Sent as `If-Match`, it lets the same change pass. */
  version: z.string(),
  changedBy: z.string().nullable(),
  changedAt: z.iso.datetime().nullable(),
  /** Its editable fields as they are now. */
  current: z.record(z.string(), z.unknown())
})
export type ChangedMeanwhile = z.infer<typeof ChangedMeanwhile>

import { z } from 'zod'
import type { Database } from '../../db/client'

/** A table that holds traces: one of a month, or the default one for months without. */
export interface TracePartition {
  name: string
  /** Undefined for the default one. */
  month: { from: Date, to: Date } | undefined
}

const Name = z.object({ name: z.string().regex(/^traces_(\d{4}_\d\d|default)$/) })

/** The tables that hold traces, the oldest month first. Their names are safe to be put into SQL. */
export async function listTracePartitions(db: Pick<Database, 'query'>): Promise<TracePartition[]> {
  const rows = await db.query(`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'traces'::regclass order by 1`)
  return rows.map((row) => {
    const { name } = Name.parse(row)
    const [, year, month] = /^traces_(\d{4})_(\d\d)$/.exec(name) ?? []
    if (!year || !month) return { name, month: undefined }
    return { name, month: { from: new Date(Date.UTC(Number(year), Number(month) - 1)), to: new Date(Date.UTC(Number(year), Number(month))) } }
  })
}

import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { files, messageParts } from '../../db/schema'
import type { MessagePart } from '../../shared/messages'
import { toPartRow } from './select-messages'

/** Stores the parts of an answer that is settled in this transaction, over what may be stored of them; pictures among them are its own from now on. */
export async function storeParts(tx: Orm, orgId: string, messageId: string, parts: readonly MessagePart[]): Promise<void> {
  if (parts.length === 0) return
  await tx.insert(messageParts)
    .values(parts.map((part, at) => ({ ...toPartRow(orgId, messageId, part), stepIndex: stepOf(parts, at) })))
    .onConflictDoUpdate({
      target: [messageParts.messageId, messageParts.index],
      set: { content: sql`excluded.content`, completedAt: sql`excluded.completed_at`, stepIndex: sql`excluded.step_index` }
    })
  const pictures = parts.flatMap(part => part.type === 'image' ? [part.fileId] : [])
  if (pictures.length > 0) await tx.update(files).set({ sentAt: sql`coalesce(${files.sentAt}, now())` }).where(and(eq(files.orgId, orgId), inArray(files.id, pictures)))
}

/** How often the model had been asked before it wrote this part: each time, what its tools said comes between. */
function stepOf(parts: readonly MessagePart[], at: number): number {
  return parts.slice(1, at + 1).filter((part, before) => parts[before]?.type === 'tool_result' && part.type !== 'tool_result').length
}

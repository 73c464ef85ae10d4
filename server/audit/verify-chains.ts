import { and, asc, eq, gt } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { auditHeads, auditLogs, orgs } from '../../db/schema'
import { CHAIN_START, hashEntry } from './hash-entry'

const PAGE = 1_000

interface ChainFault {
  orgId: string
  /** The first entry that is not what was written there. */
  sequence: number
  fault: string
}

interface ChainReport {
  orgId: string
  entries: number
  /** Of the newest entry: who keeps it elsewhere can tell later that nothing before it was rewritten. */
  head: string
  fault: ChainFault | undefined
}

/** Walks each org's log from its first entry to its head and recomputes every hash: an entry changed, dropped, added or moved shows. */
export async function* verifyChains(orm: Orm): AsyncGenerator<ChainReport> {
  for (const { id } of await orm.select({ id: orgs.id }).from(orgs).orderBy(asc(orgs.id))) yield await verifyChain(orm, id)
}

async function verifyChain(orm: Orm, orgId: string): Promise<ChainReport> {
  // The head first: entries written while we read are after it, and not missed.
  const [head] = await orm.select().from(auditHeads).where(eq(auditHeads.orgId, orgId))
  let hash = CHAIN_START
  let sequence = 0
  const report = (fault?: string): ChainReport => ({ orgId, entries: sequence, head: hash, fault: fault === undefined ? undefined : { orgId, sequence: sequence + 1, fault } })
  for (;;) {
    const page = await orm.select().from(auditLogs).where(and(eq(auditLogs.orgId, orgId), gt(auditLogs.sequence, sequence))).orderBy(asc(auditLogs.sequence)).limit(PAGE)
    for (const entry of page) {
      if (entry.sequence !== sequence + 1) return report(`entry ${sequence + 1} is missing`)
      if (entry.previousHash !== hash) return report('it does not follow the entry before it')
      if (entry.hash !== hashEntry(hash, entry)) return report('it was changed after it was written')
      sequence = entry.sequence
      hash = entry.hash
      if (sequence === head?.sequence && hash !== head.hash) return report('the head of the log is another')
    }
    if (page.length < PAGE) break
  }
  if (sequence < (head?.sequence ?? 0)) return report(`the newest ${(head?.sequence ?? 0) - sequence} are missing`)
  if (!head && sequence > 0) return report('the log has no head')
  return report()
}

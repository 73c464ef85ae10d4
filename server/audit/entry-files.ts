import type { AuditEntry } from '../../shared/audit'
import { textCell } from '../billing/statement-csv'

const HEADER = ['sequence', 'time', 'actor', 'actor_name', 'action', 'target', 'ip', 'before', 'after', 'hash']

/** Entries as a table (RFC 4180), a line at a time. What people chose is never a formula to the spreadsheet that opens it. */
export async function* toAuditCsv(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  yield `${HEADER.join(',')}\r\n`
  for await (const { sequence, createdAt, actor, actorName, action, target, ip, before, after, hash } of entries) {
    const cells = [createdAt, actor, actorName ?? '', action, target, ip ?? '', json(before), json(after), hash].map(textCell)
    yield `${[sequence, ...cells].join(',')}\r\n`
  }
}

/** Entries as one JSON object a line. */
export async function* toAuditJsonl(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`
}

const json = (value: unknown) => value === null || value === undefined ? '' : JSON.stringify(value)

import type { H3Event } from 'h3'
import { setResponseHeader } from 'h3'
import type { Statement } from '../../shared/billing'
import { toStatementCsv } from '../billing/statement-csv'

/** A statement as a file to download. */
export function sendStatementCsv(event: H3Event, statement: Statement): string {
  setResponseHeader(event, 'content-type', 'text/csv; charset=utf-8')
  setResponseHeader(event, 'content-disposition', `attachment; filename="statement-${statement.month}.csv"`)
  return toStatementCsv(statement)
}

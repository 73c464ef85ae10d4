import { getStatement } from '../../billing/get-statement'
import { defineApiHandler } from '../../utils/api-handler'
import { readMonth, readQuery } from '../../utils/read-request'
import { sendStatementCsv } from '../../utils/send-statement'
import { StatementQuery } from '../../../shared/billing'

/** What moved the org's wallet in a month. */
export default defineApiHandler({ access: 'member', role: 'viewer', orgWide: true }, async ({ event, principal, runtime }) => {
  const { format } = readQuery(event, StatementQuery)
  const statement = await getStatement(runtime.db, principal, readMonth(event))
  return format === 'csv' ? sendStatementCsv(event, statement) : statement
})

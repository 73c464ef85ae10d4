import { listTransactions } from '../billing/list-transactions'
import { defineApiHandler } from '../utils/api-handler'
import { readQuery } from '../utils/read-request'
import { TransactionQuery } from '../../shared/billing'

export default defineApiHandler({ access: 'member', role: 'viewer', orgWide: true }, ({ event, principal, runtime }) =>
  listTransactions(runtime.db.orm, principal.orgId, readQuery(event, TransactionQuery))
)

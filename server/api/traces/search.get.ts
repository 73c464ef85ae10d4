import { recordChange } from '../../audit/record'
import { searchBodies } from '../../traces/search-bodies'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { TraceSearchQuery } from '../../../shared/traces'

/** Looks into bodies, so it is for admins, and in the audit log. */
export default defineApiHandler({ access: 'member', role: 'admin' }, async ({ event, principal, ip, runtime }) => {
  const query = readQuery(event, TraceSearchQuery)
  await runtime.db.orm.transaction(transaction => recordChange(transaction, { principal, ip }, { action: 'trace.search', target: `org:${principal.orgId}`, after: { text: query.text } }))
  return searchBodies(runtime.db.orm, runtime.keyring, principal, query)
})

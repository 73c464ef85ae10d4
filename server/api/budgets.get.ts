import { listBudgets } from '../billing/list-budgets'
import { roleReaches } from '../../shared/roles'
import { defineApiHandler } from '../utils/api-handler'

/** Keys are for members to see, so their budgets are too. */
export default defineApiHandler({ access: 'member', orgWide: true }, async ({ principal, runtime }) => {
  const budgets = await listBudgets(runtime.db.orm, principal)
  return { budgets: budgets.filter(({ scope }) => scope !== 'key' || roleReaches(principal.role, 'member')) }
})

import { BudgetList } from '#shared/billing'
import { useApi } from '~/composables/useApi'
import { useSharedData } from '~/composables/useSharedData'

/** What of the org's budgets is used; the same wherever it is shown. */
export function useBudgets() {
  const api = useApi()
  return useSharedData('budgets', async () => (await api(BudgetList, '/api/budgets')).budgets)
}

import type { ModelList } from '../../../shared/catalog'
import { defineApiHandler } from '../../utils/api-handler'

/** Anyone in the org: the models to choose from, with price and window. */
export default defineApiHandler({ access: 'member' }, async ({ principal, runtime }): Promise<ModelList> => {
  return { models: [...await runtime.catalog.listModels(principal.orgId)] }
})

import type { ModelList } from '../../../shared/catalog'
import { listAllowedModels } from '../../catalog/list-allowed-models'
import { findCaller } from '../../chat/find-caller'
import { defineApiHandler } from '../../utils/api-handler'

/** Anyone in the org: the models they may choose from, with price and window. */
export default defineApiHandler({ access: 'member' }, async ({ principal, runtime }): Promise<ModelList> => {
  const caller = await findCaller(runtime.db.orm, principal, principal.projectId)
  return { models: [...await listAllowedModels(runtime.catalog, caller)] }
})

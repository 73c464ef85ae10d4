import { listAllowedModels } from '../catalog/list-allowed-models'
import type { Principal } from '../identity/principal'
import type { Runtime } from '../runtime'
import { findCaller } from './find-caller'

/** What answers in a project where nobody has chosen a model: the first for chats that the principal may call there. Undefined when there is none. */
export async function findDefaultModel({ db, catalog }: Pick<Runtime, 'db' | 'catalog'>, principal: Principal, projectId: string): Promise<string | undefined> {
  const models = await listAllowedModels(catalog, await findCaller(db.orm, principal, projectId))
  return models.find(({ mode }) => mode === 'chat')?.id
}

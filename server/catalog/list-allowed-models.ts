import type { Model } from '../../shared/catalog'
import { LoomError } from '../errors'
import { allowsModel } from '../policy/compile-policy'
import type { CallerPolicy } from '../policy/compile-policy'
import type { Catalog } from './catalog'

/** What of a caller decides which models it may see. */
interface ModelUser {
  orgId: string
  policy: Pick<CallerPolicy, 'allowed' | 'denied'>
}

/** The models a caller may use: those of its org that no rule keeps from it, and those its rules name, listed or not. */
export async function listAllowedModels(catalog: Pick<Catalog, 'listModels' | 'findModel'>, { orgId, policy }: ModelUser): Promise<readonly Model[]> {
  const listed = await catalog.listModels(orgId)
  if (policy.allowed.length === 0 && policy.denied.length === 0) return listed
  const named = await Promise.all([...new Set(policy.allowed.flatMap(({ names }) => [...names]))].map(id => catalog.findModel(orgId, id)))
  const models = new Map([...named.filter(model => model !== undefined), ...listed].map(model => [model.id, model]))
  return [...models.values()].filter(({ id }) => allowsModel(policy, id))
}

/** @throws {LoomError} `model_not_found`, for a model the caller's key may not use as for one that does not exist */
export async function getAllowedModel(catalog: Pick<Catalog, 'findModel'>, { orgId, policy }: ModelUser, id: string): Promise<Model> {
  const model = allowsModel(policy, id) ? await catalog.findModel(orgId, id) : undefined
  if (!model) throw new LoomError('model_not_found', `There is no model "${id.slice(0, 200)}" for this key. GET /v1/models lists what it may use.`, { param: 'model' })
  return model
}

import type { Model } from '../../shared/catalog'
import { LoomError } from '../errors'
import { allowsModel } from '../policy/compile-policy'
import type { CallerPolicy } from '../policy/compile-policy'
import { findDenying } from '../policy/deny-targets'
import type { Catalog } from './catalog'

/** What of a caller decides which models it may see. */
interface ModelUser {
  orgId: string
  policy: Pick<CallerPolicy, 'allowed' | 'denied'>
}

/** The models a caller may use: those of its org that no rule keeps from it, by their own name or where they lead, and those its rules name, listed or not. */
export async function listAllowedModels(catalog: Pick<Catalog, 'listModels' | 'listNamed' | 'findModel'>, { orgId, policy }: ModelUser): Promise<readonly Model[]> {
  if (policy.allowed.length === 0 && policy.denied.length === 0) return catalog.listModels(orgId)
  const listed = await catalog.listNamed(orgId)
  const ids = new Set([...policy.allowed.flatMap(({ names }) => [...names]), ...listed.keys()])
  const models = await Promise.all([...ids].map((id) => {
    if (!allowsModel(policy, id)) return undefined
    const known = listed.get(id)
    // The list does not tell of a name that has no line there, nor where a route leads whose first target is denied.
    return known && !findDenying(policy, known.target) ? known.model : findAllowedModel(catalog, { orgId, policy }, id)
  }))
  return models.filter(model => model !== undefined)
}

/** @throws {LoomError} `model_not_found`, for a model the caller's key may not use as for one that does not exist */
export async function getAllowedModel(catalog: Pick<Catalog, 'findModel'>, user: ModelUser, id: string): Promise<Model> {
  const model = await findAllowedModel(catalog, user, id)
  if (!model) throw new LoomError('model_not_found', `There is no model "${id.slice(0, 200)}" for this key. GET /v1/models lists what it may use.`, { param: 'model' })
  return model
}

/** A route as the caller meets it: by the first of its targets that a call of theirs may go to. */
async function findAllowedModel(catalog: Pick<Catalog, 'findModel'>, { orgId, policy }: ModelUser, id: string): Promise<Model | undefined> {
  return allowsModel(policy, id) ? await catalog.findModel(orgId, id, target => !findDenying(policy, target)) : undefined
}

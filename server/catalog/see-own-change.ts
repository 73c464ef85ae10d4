import type { Principal } from '../identity/principal'
import type { Catalog } from './catalog'

/**
 * Has this replica forget what it knew of connections, routes and prices, once whoever asks has changed them: the notification that all replicas
 * get comes a moment later, and the next call of the same program may be quicker. What a platform admin changed may be everybody's.
 */
export function seeOwnChange({ gateway }: { gateway: { catalog: Pick<Catalog, 'invalidate'> } }, { orgId, platformAdmin }: Pick<Principal, 'orgId' | 'platformAdmin'>): void {
  gateway.catalog.invalidate(platformAdmin ? 'platform' : orgId)
}

import { asc, eq, isNull, or } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import type { ConnectionList } from '../../shared/connections'
import type { Principal } from '../identity/principal'
import { mayEdit, toConnection } from './to-connection'

/** The org's own connections and the platform's. Who cannot change a connection sees it only while it can be used. */
export async function listConnections(orm: Orm, principal: Principal): Promise<ConnectionList> {
  const rows = await orm
    .select()
    .from(providerConnections)
    .where(or(eq(providerConnections.orgId, principal.orgId), isNull(providerConnections.orgId)))
    .orderBy(asc(isNull(providerConnections.orgId)), asc(providerConnections.createdAt), asc(providerConnections.id))
  return { connections: rows.filter(row => row.status === 'active' || mayEdit(principal, row)).map(row => toConnection(principal, row)) }
}

import { z } from 'zod'
import type { providerConnections } from '../../db/schema'
import type { Connection } from '../../shared/connections'
import { roleReaches } from '../../shared/roles'
import type { Principal } from '../identity/principal'
import { versionOf } from '../versions/version-of'

const Settings = z.record(z.string(), z.unknown())

/** Whether the principal may see a connection's details and change it: platform admins the platform's, admins their org's. */
export function mayEdit(principal: Principal, row: { orgId: string | null }): boolean {
  if (row.orgId === null) return principal.platformAdmin
  return row.orgId === principal.orgId && principal.projectId === null && roleReaches(principal.role, 'admin')
}

/** What of a connection can be changed, but for its secret. */
export function connectionFields({ name, baseUrl, config, status }: typeof providerConnections.$inferSelect) {
  return { name, baseUrl, config: Settings.parse(config), status }
}

/** A row as the principal may see it; never its secret. */
export function toConnection(principal: Principal, row: typeof providerConnections.$inferSelect): Connection {
  const editable = mayEdit(principal, row)
  return {
    id: row.id,
    version: editable ? versionOf(connectionFields(row)) : null,
    kind: row.kind,
    name: row.name,
    platform: row.orgId === null,
    status: row.status,
    editable,
    baseUrl: editable ? row.baseUrl : null,
    config: editable ? Settings.parse(row.config) : null,
    hasSecret: editable ? row.secret !== null : null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString()
  }
}

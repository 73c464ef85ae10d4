import { and, eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { apiKeys } from '../../db/schema'
import type { Principal } from '../identity/principal'

/** The keys a principal may see: its org's, and a key bound to a project only those of that project. */
export function visibleKeys({ orgId, projectId }: Principal): SQL | undefined {
  return and(eq(apiKeys.orgId, orgId), projectId === null ? undefined : eq(apiKeys.projectId, projectId))
}

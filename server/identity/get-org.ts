import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import type { OrgDetails } from '../../shared/identity'
import { LoomError } from '../errors'
import { versionOf } from '../versions/version-of'
import type { Principal } from './principal'

/** What the org never said: UTC, bodies are kept, and its chats read no web pages. */
const OrgSettings = z.object({ timeZone: z.string().default('UTC'), traceBodies: z.boolean().default(true), webTools: z.boolean().default(false) })

/** The time zone in an org's settings, as they are stored. */
export function findTimeZone(settings: unknown): string {
  return OrgSettings.parse(settings).timeZone
}

/**
 * The org the principal acts in.
 * @throws {LoomError} `not_found` when it was deleted meanwhile
 */
export async function getOrg(orm: Orm, principal: Principal): Promise<OrgDetails> {
  const [org] = await orm.select({ id: orgs.id, name: orgs.name, slug: orgs.slug, settings: orgs.settings }).from(orgs).where(eq(orgs.id, principal.orgId))
  if (!org) throw new LoomError('not_found', 'This organisation does not exist any more.')
  const { settings, ...named } = org
  const editable = { name: named.name, ...OrgSettings.parse(settings) }
  return { ...named, ...editable, role: principal.role, version: versionOf(editable) }
}

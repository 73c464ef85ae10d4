import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { orgMembers, orgs, projects, users, wallets } from '../../db/schema'
import type { Principal } from '../../server/identity/principal'

export interface Workspace {
  orgId: string
  userId: string
  projectId: string
  /** The owner of the org, signed in. */
  principal: Principal
}

/** An org with its owner, an unlimited wallet and one project, as the start of a test on the database. */
export async function seedWorkspace(orm: Orm): Promise<Workspace> {
  const [orgId, userId, projectId] = [uuidv7(), uuidv7(), uuidv7()]
  await orm.insert(users).values({ id: userId, name: 'Owner', email: `${userId}@loom.test` })
  await orm.insert(orgs).values({ id: orgId, name: 'Org', slug: orgId, encryptionSalt: randomBytes(32) })
  await orm.insert(orgMembers).values({ orgId, userId, role: 'owner' })
  await orm.insert(wallets).values({ orgId, mode: 'unlimited' })
  await orm.insert(projects).values({ id: projectId, orgId, name: 'First project', createdBy: userId })
  return { orgId, userId, projectId, principal: { kind: 'session', userId, orgId, role: 'owner', platformAdmin: false, projectId: null, keyId: null, ip: null } }
}

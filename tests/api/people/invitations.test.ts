import { and, eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { orgInvitations, orgMembers, users } from '../../../db/schema'
import type { Author } from '../../../server/audit/record'
import { acceptInvitation } from '../../../server/identity/accept-invitation'
import { changeMemberRole } from '../../../server/identity/change-member-role'
import { createInvitation } from '../../../server/identity/create-invitation'
import { removeMember } from '../../../server/identity/remove-member'
import { revokeInvitation } from '../../../server/identity/revoke-invitation'
import { createKey } from '../../../server/keys/create-key'
import type { MemberRole } from '../../../shared/identity'
import { CreateKey } from '../../../shared/keys'
import { openTestDatabase, testDatabaseKind } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import { until } from '../../support/until'

const APP_URL = 'https://loom.test'

let db: Database
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

/** An org in which an admin holds a key that only admins may make, and has invited somebody. */
async function seedOrg() {
  const { orgId, principal } = await seedWorkspace(db.orm)
  const join = async (role: MemberRole) => {
    const [userId, id] = [uuidv7(), uuidv7()]
    await db.orm.insert(users).values({ id: userId, name: role, email: `${userId}@loom.test` })
    await db.orm.insert(orgMembers).values({ id, orgId, userId, role })
    return { id, author: { principal: { ...principal, userId, role }, ip: null } }
  }
  const [admin, friend] = [await join('admin'), { userId: uuidv7(), email: `${uuidv7()}@loom.test`, ip: null }]
  await db.orm.insert(users).values({ id: friend.userId, name: 'Friend', email: friend.email })
  await createKey(db.orm, admin.author, CreateKey.parse({ name: 'Bills', scopes: ['billing'] }))
  const invitation = await createInvitation(db.orm, admin.author, { email: friend.email, role: 'member' }, APP_URL)
  return { orgId, owner: { principal, ip: null }, admin, friend, invitation }
}

type Org = Awaited<ReturnType<typeof seedOrg>>

const invite = ({ friend }: Org, author: Author) => createInvitation(db.orm, author, { email: friend.email, role: 'member' }, APP_URL)

const memberChanges = {
  'another role': ({ owner, admin }: Org) => changeMemberRole(db.orm, owner, admin.id, 'viewer'),
  'their removal': ({ owner, admin }: Org) => removeMember(db.orm, owner, admin.id)
}

const invitationChanges = {
  'is made by another for the same address': { change: (org: Org) => invite(org, org.owner), outcome: 'done' },
  'is taken back': { change: ({ owner, invitation }: Org) => revokeInvitation(db.orm, owner, invitation.id), outcome: 'not_found' },
  'is accepted': { change: ({ friend, invitation }: Org) => acceptInvitation(db.orm, invitation.token, friend), outcome: 'not_found' },
  'is made by them': { change: (org: Org) => invite(org, org.admin.author), outcome: 'forbidden' }
}

// The embedded database runs one transaction after the other.
describe.runIf(testDatabaseKind === 'postgres').each(Object.entries(memberChanges))('while a member is about to get %s', (_, changeMember) => {
  test.each(Object.entries(invitationChanges))('an invitation that %s waits for it, and neither fails for the other', async (_, { change, outcome }) => {
    const org = await seedOrg()
    const [isLocked, mayGo] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    const logging = db.transaction(async (query) => {
      await query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`audit:${org.orgId}`])
      isLocked.resolve(undefined)
      await mayGo.promise
    })
    await isLocked.promise
    const changing = changeMember(org)
    await untilWaiting(1)
    const outcomeOfOther = change(org).then(() => 'done', (error: { code?: string }) => error.code)
    await untilWaiting(2)
    mayGo.resolve(undefined)
    await logging
    await changing
    expect(await outcomeOfOther).toBe(outcome)
    expect(await db.orm.select().from(orgInvitations).where(and(eq(orgInvitations.orgId, org.orgId), eq(orgInvitations.invitedBy, org.admin.author.principal.userId)))).toEqual([])
  })

  const untilWaiting = (transactions: number) => until(async () => (await db.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length === transactions, { what: () => `${transactions} transactions to wait` })
})

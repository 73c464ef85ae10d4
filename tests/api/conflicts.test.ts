import { asc, eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Database } from '../../db/client'
import { auditLogs } from '../../db/schema'
import { LoomError } from '../../server/errors'
import { updateKey } from '../../server/keys/update-key'
import { createKey } from '../../server/keys/create-key'
import { getPlatformPolicy, setPlatformPolicy } from '../../server/policy/platform-policy'
import { CreateKey } from '../../shared/keys'
import { ChangedMeanwhile } from '../../shared/errors'
import { CreatedInvitation, MemberPage } from '../../shared/identity'
import { PlatformOrgPage, PlatformUserPage } from '../../shared/platform'
import { ProjectMemberPage } from '../../shared/projects'
import { openTestDatabase } from '../support/database'
import type { LoomServer } from '../support/loom-server'
import { seedWorkspace } from '../support/seed-workspace'
import { startLoom } from '../support/start-loom'
import type { Visitor } from '../support/visitor'
import { join, setUp, signUp } from '../support/visitor'

const Versioned = z.looseObject({ id: z.string().optional(), version: z.string() })
const Refusal = z.object({ error: z.object({ code: z.literal('conflict'), message: z.string(), details: ChangedMeanwhile }) })

let loom: LoomServer
let owner: Visitor
let second: Visitor
/** A platform admin whose org is another. */
let elsewhere: Visitor
beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
  second = await join(owner, 'second@example.com', 'owner')
  await join(owner, 'third@example.com', 'member')
  elsewhere = await signUp(owner, 'elsewhere@example.com')
  const { user } = z.object({ user: z.object({ id: z.string() }) }).parse((await elsewhere.succeed('GET', '/api/session')).body)
  await owner.succeed('PATCH', `/api/platform/users/${user.id}`, { role: 'admin' })
})
afterAll(() => loom?.remove())

const read = async (path: string) => Versioned.parse((await owner.succeed('GET', path)).body)
const make = async (path: string, input: object) => Versioned.parse((await owner.succeed('POST', path, input)).body)
const userIdOf = async (email: string) => MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body).members.find(member => member.email === email)?.userId

interface Edited {
  method: string
  path: string
  version: string | undefined
  theirs: object
  mine: object
  now: object
  meanwhile?: { method: string, path: string, body?: object }
}

/** Everything two admins may edit: how to get one, and two changes of it; something else that is done to it in between. */
const things: Record<string, () => Promise<Edited>> = {
  'a key': async () => {
    const { id, version } = await make('/api/keys', { name: 'k' })
    return { method: 'PATCH', path: `/api/keys/${id}`, version, theirs: { limits: { requestsPerMinute: 5 } }, mine: { name: 'mine' }, now: { limits: { requestsPerMinute: 5 } } }
  },
  'a connection': async () => {
    const { id, version } = await make('/api/connections', { kind: 'demo', name: 'demo-2' })
    return { method: 'PATCH', path: `/api/connections/${id}`, version, theirs: { status: 'disabled' }, mine: { name: 'mine' }, now: { status: 'disabled' } }
  },
  'a route': async () => {
    const { id: connectionId } = await make('/api/connections', { kind: 'demo', name: 'demo-3' })
    const { id, version } = await make('/api/models/routes', { alias: 'fast', targets: [{ connectionId, upstreamModel: 'demo' }] })
    return { method: 'PATCH', path: `/api/models/routes/${id}`, version, theirs: { targets: [{ connectionId, upstreamModel: 'demo', weight: 9 }] }, mine: { alias: 'mine' }, now: { alias: 'fast' } }
  },
  'a project': async () => {
    const { id, version } = await make('/api/projects', { name: 'p' })
    return { method: 'PATCH', path: `/api/projects/${id}`, version, theirs: { instructions: 'Be brief.' }, mine: { name: 'mine' }, now: { instructions: 'Be brief.' } }
  },
  'the organisation': async () => {
    const { version } = await read('/api/orgs/current')
    return { method: 'PATCH', path: '/api/orgs/current', version, theirs: { timeZone: 'Asia/Tokyo' }, mine: { name: 'mine' }, now: { timeZone: 'Asia/Tokyo' } }
  },
  'a webhook': async () => {
    const { id, version } = await make('/api/alerts/webhooks', { name: 'ops', url: 'https://example.com/hook' })
    return { method: 'PATCH', path: `/api/alerts/webhooks/${id}`, version, theirs: { url: 'https://example.org/hook' }, mine: { enabled: false }, now: { url: 'https://example.org/hook', enabled: true } }
  },
  'how long traces are kept': async () => {
    const { version } = await read('/api/orgs/current/retention')
    return { method: 'PUT', path: '/api/orgs/current/retention', version, theirs: { tracesDays: null, bodiesDays: 400 }, mine: { tracesDays: 30 }, now: { tracesDays: null, bodiesDays: 400 } }
  },
  'the policy of the organisation': async () => {
    const { version } = await read('/api/orgs/current/policy')
    return { method: 'PUT', path: '/api/orgs/current/policy', version, theirs: { policy: { maxConcurrent: 50 } }, mine: { policy: { maxConcurrent: 60 } }, now: { maxConcurrent: 50 } }
  },
  'the role of a member': async () => {
    const { members } = z.object({ members: z.array(z.looseObject({ id: z.string(), email: z.string(), version: z.string() })) }).parse((await owner.succeed('GET', '/api/orgs/current/members')).body)
    const { id, version } = z.object({ id: z.string(), version: z.string() }).parse(members.find(({ email }) => email === 'third@example.com'))
    return { method: 'PATCH', path: `/api/orgs/current/members/${id}`, version, theirs: { role: 'viewer' }, mine: { role: 'admin' }, now: { role: 'viewer' }, meanwhile: { method: 'DELETE', path: `/api/orgs/current/members/${id}/sessions` } }
  },
  'the role of somebody in a project': async () => {
    const { id } = await make('/api/projects', { name: 'shared' })
    const userId = await userIdOf('third@example.com')
    await owner.succeed('PUT', `/api/projects/${id}/members/${userId}`, { role: 'editor' })
    const { members: [named] } = ProjectMemberPage.parse((await owner.succeed('GET', `/api/projects/${id}/members`)).body)
    const meanwhile = { method: 'PUT', path: `/api/projects/${id}/members/${await userIdOf('second@example.com')}`, body: { role: 'viewer' } }
    return { method: 'PUT', path: `/api/projects/${id}/members/${userId}`, version: named?.version, theirs: { role: 'viewer' }, mine: { role: 'editor' }, now: { role: 'viewer' }, meanwhile }
  },
  'who is named in a project': async () => {
    const { id } = await make('/api/projects', { name: 'shared' })
    const { unnamedVersion: version } = ProjectMemberPage.parse((await owner.succeed('GET', `/api/projects/${id}/members`)).body)
    return { method: 'PUT', path: `/api/projects/${id}/members/${await userIdOf('third@example.com')}`, version, theirs: { role: 'viewer' }, mine: { role: 'editor' }, now: { role: 'viewer' } }
  },
  'whether a user gets in, and is platform admin': async () => {
    const { items: [user] } = PlatformUserPage.parse((await owner.succeed('GET', '/api/platform/users?search=third@example.com')).body)
    return { method: 'PATCH', path: `/api/platform/users/${user?.id}`, version: user?.version, theirs: { role: 'admin' }, mine: { active: false }, now: { role: 'admin', active: true }, meanwhile: { method: 'DELETE', path: `/api/platform/users/${user?.id}/sessions` } }
  },
  'the settings of the platform': async () => {
    const { version } = await read('/api/platform/settings')
    return { method: 'PATCH', path: '/api/platform/settings', version, theirs: { signUpOpen: true }, mine: { signUpOpen: false }, now: { signUpOpen: true } }
  },
  'how an organisation pays': async () => {
    const page = PlatformOrgPage.parse((await owner.succeed('GET', '/api/platform/orgs')).body)
    const { id, walletVersion: version } = page.items[0] ?? {}
    return { method: 'PATCH', path: `/api/platform/orgs/${id}/wallet`, version, theirs: { markupBasisPoints: 500 }, mine: { cacheHitBasisPoints: 1_000 }, now: { markupBasisPoints: 500 }, meanwhile: { method: 'POST', path: `/api/platform/orgs/${id}/funds`, body: { amountUsd: '1', refId: 'meanwhile' } } }
  },
  'the policy of the platform': async () => {
    const { version } = await read('/api/platform/policy')
    return { method: 'PUT', path: '/api/platform/policy', version, theirs: { policy: { maxConcurrent: 500 } }, mine: { policy: { maxConcurrent: 600 } }, now: { maxConcurrent: 500 } }
  }
}

describe('of two admins who edit one thing, the later is told what changed and overwrites nothing unseen', () => {
  for (const [thing, prepare] of Object.entries(things)) {
    test(thing, async () => {
      const { method, path, version, theirs, mine, now, meanwhile } = await prepare()
      const [other, name] = path.includes('platform') ? [elsewhere, 'elsewhere'] : [second, 'second']
      expect((await other.call(method, path, theirs, { 'if-match': `"${version}"` })).status).toBeOneOf([200, 204])
      if (meanwhile) await owner.succeed(meanwhile.method, meanwhile.path, meanwhile.body)
      const refused = await owner.call(method, path, mine, { 'if-match': `"${version}"` })
      expect(refused.status).toBe(409)
      const { details } = Refusal.parse(refused.body).error
      expect(details).toMatchObject({ changedBy: name, current: now })
      expect(Date.parse(details.changedAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
      expect((await owner.call(method, path, mine, { 'if-match': `"${details.version}"` })).status).toBeOneOf([200, 204])
      expect((await owner.call(method, path, theirs)).status).toBeOneOf([200, 204])
    })
  }
})

describe('who comes into a project or leaves it unasked is told of as whoever did it', () => {
  /** A project in which they were named, and what is told to who names them over a version of it. */
  async function prepare(email: string) {
    const { id } = await make('/api/projects', { name: 'shared' })
    const path = `/api/projects/${id}/members/${await userIdOf(email)}`
    await owner.succeed('PUT', path, { role: 'viewer' })
    const { members: [named], unnamedVersion } = ProjectMemberPage.parse((await owner.succeed('GET', `/api/projects/${id}/members`)).body)
    const refused = async (version: string | undefined) => Refusal.parse((await owner.call('PUT', path, { role: 'viewer' }, { 'if-match': `"${version}"` })).body).error.details
    return { id, path, version: named?.version, unnamedVersion, refused }
  }

  test('who closes it, and so stays in it', async () => {
    const { id, path, unnamedVersion, refused } = await prepare('second@example.com')
    await owner.succeed('DELETE', path)
    await second.succeed('PATCH', `/api/projects/${id}`, { access: 'members' })
    expect(await refused(unnamedVersion)).toMatchObject({ changedBy: 'second', current: { role: 'editor' } })
  })

  test('who is taken out of the organisation, and is in none of its projects when they come back', async () => {
    const guest = await signUp(owner, 'guest@example.com')
    const invite = async () => {
      const { token } = CreatedInvitation.parse((await owner.succeed('POST', '/api/orgs/current/invitations', { email: 'guest@example.com', role: 'member' })).body)
      await guest.succeed('POST', `/api/invitations/${token}/accept`, {})
    }
    await invite()
    const { version, refused } = await prepare('guest@example.com')
    const { members } = MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body)
    await second.succeed('DELETE', `/api/orgs/current/members/${members.find(({ email }) => email === 'guest@example.com')?.id}`)
    await invite()
    expect(await refused(version)).toMatchObject({ changedBy: 'second', current: { role: null } })
  })
})

test('a key that was used, or a save that changed nothing, is no conflict; a version nobody had is', async () => {
  const { id, version, key } = z.looseObject({ id: z.string(), version: z.string(), key: z.string() }).parse((await owner.succeed('POST', '/api/keys', { name: 'used', scopes: ['workspace'] })).body)
  await fetch(`${loom.url}/api/projects`, { headers: { authorization: `Bearer ${key}` } })
  expect((await owner.call('PATCH', `/api/keys/${id}`, { name: 'used' }, { 'if-match': `W/"${version}"` })).status).toBe(200)
  expect((await owner.call('PATCH', `/api/keys/${id}`, { name: 'again' }, { 'if-match': version })).status).toBe(200)
  for (const forged of ['"x"', '""', '"' + 'y'.repeat(2_000) + '"']) expect((await owner.call('PATCH', `/api/keys/${id}`, { name: 'x' }, { 'if-match': forged })).status).toBe(409)
  expect((await owner.call('PATCH', `/api/keys/${id}`, { name: 'any' }, { 'if-match': '*' })).status).toBe(200)
})

describe('on the database', () => {
  let db: Database
  beforeAll(async () => {
    db = await openTestDatabase()
  })
  afterAll(() => db.close())

  test('of changes made over one version at once exactly one passes, and the log tells of that one', async () => {
    const { orgId, principal } = await seedWorkspace(db.orm)
    const author = { principal, ip: null }
    const { id, version } = await createKey(db.orm, author, CreateKey.parse({ name: 'raced' }))
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => updateKey(db.orm, author, id, { name: `writer ${index}` }, version)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const log = await db.orm.select({ action: auditLogs.action }).from(auditLogs).where(eq(auditLogs.orgId, orgId)).orderBy(asc(auditLogs.sequence))
    expect(log.map(({ action }) => action)).toEqual(['key.create', 'key.update'])
  })

  test('so it is with what was never set, and has no row to be locked', async () => {
    const { principal } = await seedWorkspace(db.orm)
    const { version } = await getPlatformPolicy(db.orm)
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => setPlatformPolicy(db.orm, { principal, ip: null }, { maxConcurrent: index + 1 }, version)))
    expect(outcomes.map(outcome => outcome.status === 'fulfilled' ? 'set' : outcome.reason instanceof LoomError && outcome.reason.code).sort()).toEqual([...Array.from({ length: 5 }, () => 'conflict'), 'set'])
  })
})

import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { orgMembers, projectMembers, projects, users } from '../../../db/schema'
import { listMembers } from '../../../server/identity/list-members'
import type { Principal } from '../../../server/identity/principal'
import { MemberPage, MemberQuery } from '../../../shared/identity'
import { Project } from '../../../shared/projects'
import type { LoomServer } from '../../support/loom-server'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import { startLoom } from '../../support/start-loom'
import { join, setUp, signUp } from '../../support/visitor'
import type { Visitor } from '../../support/visitor'

const names = ({ members }: MemberPage) => members.map(({ name }) => name)

describe('the members of an org', () => {
  let db: Database
  beforeAll(async () => {
    db = await openTestDatabase()
  })
  afterAll(() => db.close())

  const list = (principal: Principal, query: Record<string, string> = {}) => listMembers(db.orm, principal, MemberQuery.parse(query))

  async function admit(orgId: string, people: { name: string, email?: string }[]) {
    const rows = people.map(({ name, email }) => ({ id: uuidv7(), name, email: email ?? `${uuidv7()}@loom.test` }))
    await db.orm.insert(users).values(rows)
    await db.orm.insert(orgMembers).values(rows.map(({ id }) => ({ orgId, userId: id, role: 'member' as const })))
    return rows.map(({ id }) => id)
  }

  test('come page after page, the longest-standing first, each once, whoever joins meanwhile', async () => {
    const { orgId, principal } = await seedWorkspace(db.orm)
    await admit(orgId, ['First', 'Second', 'Third', 'Fourth'].map(name => ({ name })))
    const first = await list(principal, { limit: '2' })
    await admit(orgId, [{ name: 'Fifth' }])
    const second = await list(principal, { limit: '2', cursor: first.nextCursor ?? '' })
    const third = await list(principal, { limit: '2', cursor: second.nextCursor ?? '' })
    expect([first, second, third].map(names)).toEqual([['Owner', 'First'], ['Second', 'Third'], ['Fourth', 'Fifth']])
    expect(third.nextCursor).toBeNull()
    expect((await list(principal, { limit: '6' })).nextCursor).toBeNull()
  })

  test('are 50 at first, and 200 at most', async () => {
    const { orgId, principal } = await seedWorkspace(db.orm)
    await admit(orgId, Array.from({ length: 200 }, (_, place) => ({ name: `Member ${place}` })))
    expect((await list(principal)).members).toHaveLength(50)
    const most = await list(principal, { limit: '200' })
    expect(most.members).toHaveLength(200)
    expect(names(await list(principal, { limit: '200', cursor: most.nextCursor ?? '' }))).toEqual(['Member 199'])
  })

  test('are found by a part of their name or email, as it was typed', async () => {
    const { orgId, principal } = await seedWorkspace(db.orm)
    const email = `warp_${uuidv7()}@weavers.test`
    await admit(orgId, [{ name: 'Wanda 100%_sure' }, { name: 'Wanda 100 unsure', email }, { name: 'Warpless', email: email.replace('_', '-') }])
    expect(names(await list(principal, { search: ' wanda ' }))).toEqual(['Wanda 100%_sure', 'Wanda 100 unsure'])
    expect(names(await list(principal, { search: '100%_S' }))).toEqual(['Wanda 100%_sure'])
    expect(names(await list(principal, { search: email.toUpperCase() }))).toEqual(['Wanda 100 unsure'])
    expect(names(await list(principal, { search: '100\\' }))).toEqual([])
    const page = await list(principal, { search: 'wanda', limit: '1' })
    expect([names(page), names(await list(principal, { search: 'wanda', limit: '1', cursor: page.nextCursor ?? '' }))]).toEqual([['Wanda 100%_sure'], ['Wanda 100 unsure']])
  })

  test('of another org are not among them, whatever is asked by its cursor, people or projects', async () => {
    const [own, other] = [await seedWorkspace(db.orm), await seedWorkspace(db.orm)]
    const [stranger = ''] = await admit(other.orgId, [{ name: 'Stranger' }, { name: 'Stranger, too' }])
    const [late = ''] = await admit(own.orgId, [{ name: 'Late' }])
    await db.orm.insert(projectMembers).values({ orgId: other.orgId, projectId: other.projectId, userId: late, role: 'viewer' })
    const { nextCursor } = await list(other.principal, { limit: '1' })
    expect(names(await list(own.principal, { cursor: nextCursor ?? '' }))).toEqual(['Late'])
    expect(names(await list(own.principal, { search: 'Stranger' }))).toEqual([])
    expect(names(await list(own.principal, { userId: stranger }))).toEqual([])
    expect(names(await list(own.principal, { userId: late }))).toEqual(['Late'])
    expect(names(await list(own.principal, { notInProject: other.projectId }))).toEqual(['Owner', 'Late'])
  })

  test('who are not named in a project are told apart, page after page; of one that is closed to the reader it tells nothing', async () => {
    const { orgId, projectId, userId, principal } = await seedWorkspace(db.orm)
    const [one = '', two = ''] = await admit(orgId, ['One', 'Two', 'Three', 'Four'].map(name => ({ name })))
    await db.orm.insert(projectMembers).values([userId, one, two].map(userId => ({ orgId, projectId, userId, role: 'editor' as const })))
    await db.orm.update(projects).set({ access: 'members' }).where(eq(projects.id, projectId))
    const page = await list(principal, { notInProject: projectId, limit: '1' })
    expect([names(page), names(await list(principal, { notInProject: projectId, limit: '1', cursor: page.nextCursor ?? '' }))]).toEqual([['Three'], ['Four']])
    expect(names(await list(principal, { notInProject: projectId, search: 't' }))).toEqual(['Three', 'Four'])
    expect(names(await list({ ...principal, userId: one, role: 'viewer' }, { notInProject: projectId }))).toEqual(['Three', 'Four'])
    const [outsider = ''] = await admit(orgId, [{ name: 'Outsider' }])
    expect(names(await list({ ...principal, userId: outsider, role: 'member' }, { notInProject: projectId }))).toHaveLength(6)
  })
})

describe('GET /api/orgs/current/members', () => {
  let loom: LoomServer
  let owner: Visitor
  beforeAll(async () => {
    loom = await startLoom()
    owner = await setUp(loom)
  })
  afterAll(() => loom?.remove())

  test('takes a query, refuses what is none, and tells viewers no more than before', async () => {
    const viewer = await join(owner, 'viewer@example.com', 'viewer')
    const stranger = await signUp(owner, 'stranger@example.com')
    const read = async (visitor: Visitor, query: string) => MemberPage.parse((await visitor.succeed('GET', `/api/orgs/current/members?${query}`)).body)
    const first = await read(viewer, 'limit=1')
    expect(first).toMatchObject({ members: [{ name: 'Ada', signIn: null }], nextCursor: expect.any(String) })
    expect(await read(viewer, `limit=1&cursor=${first.nextCursor}`)).toMatchObject({ members: [{ name: 'viewer', signIn: expect.any(Object) }], nextCursor: null })
    expect(names(await read(viewer, 'search=viewer%40'))).toEqual(['viewer'])
    expect(names(await read(stranger, `cursor=${first.nextCursor}`))).toEqual(['stranger'])
    const { id } = Project.parse((await owner.succeed('POST', '/api/projects', { name: 'Ours' })).body)
    expect(names(await read(owner, `notInProject=${id}`))).toEqual(['Ada', 'viewer'])
    for (const query of ['limit=201', 'limit=0', 'limit=x', 'cursor=x', 'cursor=', 'userId=x', 'notInProject=x', `search=${'x'.repeat(255)}`]) expect((await owner.call('GET', `/api/orgs/current/members?${query}`)).status, query).toBe(400)
  })
})

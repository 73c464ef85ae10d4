import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Timeseries } from '../../shared/analytics'
import { BudgetList, Statement } from '../../shared/billing'
import { Conversation } from '../../shared/conversations'
import { MemberPage } from '../../shared/identity'
import { CreatedApiKey } from '../../shared/keys'
import { Project, ProjectActivity, ProjectMemberPage, ProjectPage } from '../../shared/projects'
import { TraceDetail, TraceFacets, TracePage } from '../../shared/traces'
import type { LoomServer } from '../support/loom-server'
import { FileClient } from '../support/file-client'
import { startLoom } from '../support/start-loom'
import { join, setUp, signUp, Visitor } from '../support/visitor'

let loom: LoomServer
let owner: Visitor
let mia: Visitor
let max: Visitor
let vera: Visitor
let userIds: Record<string, string>

beforeAll(async () => {
  loom = await startLoom({ env: { NEW_ORG_WALLET: 'unlimited' } })
  owner = await setUp(loom)
  ;[mia, max, vera] = [await join(owner, 'mia@example.com', 'member'), await join(owner, 'max@example.com', 'member'), await join(owner, 'vera@example.com', 'viewer')]
  const { members } = MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body)
  userIds = Object.fromEntries(members.map(({ email, userId }) => [email.split('@')[0], userId]))
})
afterAll(() => loom?.remove())

const makeProject = async (visitor: Visitor, body: object) => Project.parse((await visitor.succeed('POST', '/api/projects', body)).body)
const makeConversation = async (visitor: Visitor, projectId: string) => Conversation.parse((await visitor.succeed('POST', `/api/projects/${projectId}/conversations`, { model: 'demo' })).body)
const statusOf = async (visitor: Visitor, method: string, path: string, body?: object) => (await visitor.call(method, path, body)).status
const listed = async (visitor: Visitor, query = '') => ProjectPage.parse((await visitor.succeed('GET', `/api/projects?limit=100${query}`)).body).projects.map(({ name }) => name)

describe('a project for its members', () => {
  test('shows what went with a message to those who may see its conversation, wherever that is moved', async () => {
    const [from, to] = [await makeProject(mia, { name: 'From' }), await makeProject(mia, { name: 'To' })]
    for (const { id } of [from, to]) await mia.succeed('PATCH', `/api/projects/${id}`, { access: 'members' })
    await mia.succeed('PUT', `/api/projects/${from.id}/members/${userIds.vera}`, { role: 'viewer' })
    await mia.succeed('PUT', `/api/projects/${to.id}/members/${userIds.max}`, { role: 'editor' })
    const upload = (name: string, query?: string) => new FileClient(loom, { cookie: mia.cookie }, from.id).upload(name, 'Warp and weft', 'text/plain', query)
    const [sent, unsent, shared] = [await upload('sent.txt'), await upload('unsent.txt'), await upload('shared.txt', '&inProject=true')]
    const conversation = await makeConversation(mia, from.id)
    await mia.succeed('POST', `/api/conversations/${conversation.id}/messages`, { text: 'Look', fileIds: [sent.id] })
    const seenBy = (visitor: Visitor) => Promise.all([sent, unsent, shared].map(({ id }) => statusOf(visitor, 'GET', `/api/files/${id}/content`)))
    expect([await seenBy(vera), await seenBy(max)]).toEqual([[200, 200, 200], [404, 404, 404]])

    const copy = Conversation.parse((await mia.succeed('POST', `/api/conversations/${conversation.id}/duplicate`)).body)
    await mia.succeed('PATCH', `/api/conversations/${conversation.id}`, { projectId: to.id })
    expect([await seenBy(vera), await seenBy(max)], 'the copy is where it was').toEqual([[200, 200, 200], [200, 404, 404]])
    await mia.succeed('PATCH', `/api/conversations/${copy.id}`, { projectId: to.id })
    expect([await seenBy(vera), await seenBy(max)]).toEqual([[404, 200, 200], [200, 404, 404]])
    // Who may not see it can neither send it on nor take it away.
    const own = await makeConversation(max, (await makeProject(max, { name: 'Of Max too' })).id)
    expect(await statusOf(max, 'POST', `/api/conversations/${own.id}/messages`, { text: 'Mine', fileIds: [unsent.id] })).toBe(404)
    expect(await statusOf(max, 'DELETE', `/api/files/${shared.id}`)).toBe(404)
    expect(await statusOf(vera, 'GET', `/api/files/${sent.id}/content`)).toBe(404)
  })

  test('loses none of its files to those who only see a conversation that shows them', async () => {
    const [from, to] = [await makeProject(mia, { name: 'From' }), await makeProject(mia, { name: 'To' })]
    for (const { id } of [from, to]) await mia.succeed('PATCH', `/api/projects/${id}`, { access: 'members' })
    await mia.succeed('PUT', `/api/projects/${to.id}/members/${userIds.max}`, { role: 'editor' })
    const { id } = await new FileClient(loom, { cookie: mia.cookie }, from.id).upload('shared.txt', 'Warp and weft', 'text/plain', '&inProject=true')
    const conversation = await makeConversation(mia, from.id)
    await mia.succeed('POST', `/api/conversations/${conversation.id}/messages`, { text: 'Look', fileIds: [id] })
    await mia.succeed('PATCH', `/api/conversations/${conversation.id}`, { projectId: to.id })
    expect(await statusOf(max, 'GET', `/api/files/${id}/content`)).toBe(200)
    expect(await statusOf(max, 'DELETE', `/api/files/${id}`)).toBe(404)
    expect(await statusOf(mia, 'DELETE', `/api/files/${id}`)).toBe(204)
    expect(await statusOf(max, 'POST', `/api/files/${id}/restore`)).toBe(404)
    expect(await statusOf(mia, 'POST', `/api/files/${id}/restore`)).toBe(200)
  })

  test('is closed to everybody else: nothing of it can be read, found, written or guessed', async () => {
    const project = await makeProject(mia, { name: 'Secret plans' })
    const conversation = await makeConversation(mia, project.id)
    await mia.succeed('POST', `/api/conversations/${conversation.id}/messages`, { text: 'The zeppelin leaves at noon' })
    expect(await statusOf(max, 'GET', `/api/conversations/${conversation.id}`)).toBe(200)
    expect(await mia.call('PATCH', `/api/projects/${project.id}`, { access: 'members' })).toMatchObject({ status: 200, body: { access: 'members', mayWrite: true, mayShare: true } })

    const paths = [`/api/projects/${project.id}`, `/api/projects/${project.id}/conversations`, `/api/projects/${project.id}/changes`, `/api/projects/${project.id}/members`, `/api/projects/${project.id}/activity`, `/api/conversations/${conversation.id}`,
      `/api/conversations/${conversation.id}/messages`, `/api/conversations/${conversation.id}/export`, `/api/conversations/${conversation.id}/stream`, `/api/conversations/${conversation.id}/search?q=zeppelin`]
    for (const visitor of [max, vera]) {
      for (const path of paths) expect(await statusOf(visitor, 'GET', path), path).toBe(404)
      expect(await listed(visitor)).not.toContain('Secret plans')
      expect((await visitor.succeed('GET', '/api/search?q=zeppelin')).body).toEqual({ hits: [] })
    }
    const writes: [string, string, object][] = [
      ['PATCH', `/api/projects/${project.id}`, { access: 'org' }], ['DELETE', `/api/projects/${project.id}`, {}], ['POST', `/api/projects/${project.id}/conversations`, {}], ['PUT', `/api/projects/${project.id}/members/${userIds.max}`, { role: 'editor' }],
      ['POST', `/api/conversations/${conversation.id}/messages`, { text: 'Me too' }], ['DELETE', `/api/conversations/${conversation.id}`, {}], ['POST', `/api/conversations/${conversation.id}/duplicate`, {}],
      ['POST', '/api/conversations/bulk', { action: 'archive', ids: [conversation.id] }], ['POST', `/api/projects/${project.id}/temporary`, { messages: [{ role: 'user', text: 'x' }] }]
    ]
    for (const [method, path, body] of writes) expect(await statusOf(max, method, path, body), path).toBe(404)
    // A key of it would count its calls in the budgets and limits there.
    expect(await max.call('POST', '/api/keys', { name: 'x', projectId: project.id })).toMatchObject({ status: 404, body: { error: { param: 'projectId' } } })
    // Out of one's own conversations there is no way in either.
    const own = await makeConversation(max, (await makeProject(max, { name: 'Of Max' })).id)
    expect(await statusOf(max, 'PATCH', `/api/conversations/${own.id}`, { projectId: project.id })).toBe(404)
    expect(await statusOf(owner, 'GET', paths[0] ?? '')).toBe(200)
  })

  test('is read by its viewers and written by its editors, whom its maker names', async () => {
    const project = await makeProject(mia, { name: 'Shared' })
    const conversation = await makeConversation(mia, project.id)
    await mia.succeed('PATCH', `/api/projects/${project.id}`, { access: 'members' })
    const path = `/api/projects/${project.id}`
    await mia.succeed('PUT', `${path}/members/${userIds.max}`, { role: 'viewer' })
    expect((await max.succeed('GET', path)).body).toMatchObject({ mayWrite: false, mayShare: false })
    expect(await statusOf(max, 'GET', `/api/conversations/${conversation.id}/messages`)).toBe(200)
    expect(await statusOf(max, 'POST', `/api/conversations/${conversation.id}/messages`, { text: 'x' })).toBe(404)
    expect(await statusOf(max, 'PATCH', path, { name: 'Mine' })).toBe(404)

    await mia.succeed('PUT', `${path}/members/${userIds.max}`, { role: 'editor' })
    expect(await statusOf(max, 'POST', `/api/conversations/${conversation.id}/messages`, { text: 'x' })).toBe(200)
    expect(await statusOf(max, 'PUT', `${path}/members/${userIds.vera}`, { role: 'viewer' })).toBe(403)
    expect(await statusOf(max, 'PATCH', path, { access: 'org' })).toBe(403)
    expect(await statusOf(max, 'DELETE', path)).toBe(403)

    // A viewer of the org writes nowhere, whatever they are named.
    await mia.succeed('PUT', `${path}/members/${userIds.vera}`, { role: 'editor' })
    expect((await vera.succeed('GET', path)).body).toMatchObject({ mayWrite: false })
    expect(await statusOf(vera, 'POST', `/api/conversations/${conversation.id}/messages`, { text: 'x' })).toBe(403)

    expect(ProjectMemberPage.parse((await vera.succeed('GET', `${path}/members`)).body).members.map(({ name, role }) => [name, role])).toEqual([['mia', 'editor'], ['max', 'editor'], ['vera', 'editor']])
    await mia.succeed('DELETE', `${path}/members/${userIds.max}`)
    expect(await statusOf(max, 'GET', path)).toBe(404)
    expect(await statusOf(mia, 'PUT', `${path}/members/${crypto.randomUUID()}`, { role: 'viewer' })).toBe(404)
    expect(await statusOf(mia, 'PUT', `${path}/members/${userIds.max}`, { role: 'owner' })).toBe(400)
  })
})

describe('who is named in a project', () => {
  test('comes page after page, the longest-standing first, and is found by name or email', async () => {
    const { id } = await makeProject(mia, { name: 'Of many' })
    const path = `/api/projects/${id}/members`
    for (const user of ['vera', 'mia', 'max']) await mia.succeed('PUT', `${path}/${userIds[user]}`, { role: 'viewer' })
    const read = async (query: string) => ProjectMemberPage.parse((await vera.succeed('GET', `${path}?${query}`)).body)
    const names = ({ members }: ProjectMemberPage) => members.map(({ name }) => name)
    const first = await read('limit=2')
    expect([names(first), names(await read(`limit=2&cursor=${first.nextCursor}`))]).toEqual([['mia', 'max'], ['vera']])
    expect(await read('limit=3')).toMatchObject({ nextCursor: null })
    expect(await read(`limit=1&cursor=${first.nextCursor}`)).toMatchObject({ nextCursor: null, unnamedVersion: first.unnamedVersion })
    expect(names(await read('search=%20MA%20'))).toEqual(['max'])
    expect(names(await read('search=vera%40EXAMPLE'))).toEqual(['vera'])
    expect(names(await read('search=m_x'))).toEqual([])
    expect(names(await read(`search=m&cursor=${first.nextCursor}`))).toEqual(['vera'])
    for (const query of ['limit=201', 'limit=0', 'limit=x', 'cursor=x', 'cursor=', `search=${'x'.repeat(255)}`]) expect(await statusOf(mia, 'GET', `${path}?${query}`), query).toBe(400)
    const stranger = await signUp(owner, 'stranger@example.com')
    expect(await statusOf(stranger, 'GET', `${path}?cursor=${first.nextCursor}`)).toBe(404)
  })
})

describe('figures of a closed project', () => {
  let project: Project
  let conversation: Conversation
  let traceId: string
  let month: string

  beforeAll(async () => {
    project = await makeProject(mia, { name: 'Sealed orders' })
    conversation = await makeConversation(mia, project.id)
    await mia.succeed('POST', `/api/conversations/${conversation.id}/messages`, { text: 'When does the barge cast off?' })
    await mia.succeed('PATCH', `/api/projects/${project.id}`, { access: 'members' })
    await owner.succeed('PATCH', `/api/projects/${project.id}`, { policy: { budgets: { month: '50' } } })
    const [trace] = TracePage.parse((await mia.succeed('GET', `/api/traces?conversationId=${conversation.id}`)).body).items
    traceId = trace?.id ?? ''
    month = trace?.createdAt.slice(0, 7) ?? ''
  })

  /** What somebody is told of them: the names of the project, and the title of its conversation. */
  async function namesTold(visitor: Visitor) {
    const read = async (path: string) => (await visitor.succeed('GET', path)).body
    const trace = TraceDetail.parse(await read(`/api/traces/${traceId}`))
    const facet = TraceFacets.parse(await read('/api/traces/facets')).project.find(({ value }) => value === project.id)
    const group = Timeseries.parse(await read('/api/analytics/timeseries?groupBy=project&groups=20')).groups.find(({ group }) => group === project.id)
    const line = Statement.parse(await read(`/api/statements/${month}`)).byProject.find(({ projectId }) => projectId === project.id)
    expect([facet?.requests, group?.totalRequests, line?.calls]).toEqual([1, 1, 1])
    const budget = BudgetList.parse(await read('/api/budgets')).budgets.find(({ subjectId }) => subjectId === project.id)
    return [trace.conversation?.name, trace.project?.name, facet?.name, group?.name, line?.name, budget?.subject]
  }

  test('count for everybody, and are named to those alone who may open it', async () => {
    const named = ['When does the barge cast off?', ...Array.from({ length: 5 }, () => 'Sealed orders')]
    for (const visitor of [mia, owner]) expect(await namesTold(visitor)).toEqual(named)
    for (const visitor of [max, vera]) expect(await namesTold(visitor)).toEqual([undefined, undefined, null, null, null, undefined])
    await mia.succeed('PUT', `/api/projects/${project.id}/members/${userIds.vera}`, { role: 'viewer' })
    expect(await namesTold(vera)).toEqual(named)
  })

  test('are named to an API key as to its maker, whom an admin\'s role does not follow', async () => {
    const told = async (maker: Visitor, bound: object = {}) => {
      const { key } = CreatedApiKey.parse((await maker.succeed('POST', '/api/keys', { name: 'Books', scopes: ['traces'], ...bound })).body)
      return JSON.stringify((await new Visitor(loom, { authorization: `Bearer ${key}` }).succeed('GET', '/v1/analytics/timeseries?group_by=project&groups=20')).body)
    }
    expect(await told(mia)).toContain('Sealed orders')
    expect(await told(owner, { projectId: project.id })).toContain('Sealed orders')
    for (const maker of [max, owner]) {
      const answer = await told(maker)
      expect(answer).toContain(project.id)
      expect(answer).not.toContain('Sealed orders')
    }
  })

  test('do not tell the title of a conversation that was deleted', async () => {
    await mia.succeed('DELETE', `/api/conversations/${conversation.id}`)
    expect(TraceDetail.parse((await owner.succeed('GET', `/api/traces/${traceId}`)).body)).toMatchObject({ conversation: null, project: { name: 'Sealed orders' } })
  })
})

describe('a deleted project', () => {
  test('takes its conversations and keys along, and brings them back', async () => {
    const project = await makeProject(mia, { name: 'Passing' })
    const conversation = await makeConversation(mia, project.id)
    const { key } = CreatedApiKey.parse((await mia.succeed('POST', '/api/keys', { name: 'Bound', projectId: project.id })).body)
    const call = () => fetch(`${loom.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).then(response => response.status)
    expect(await call()).toBe(200)
    expect(await statusOf(max, 'DELETE', `/api/projects/${project.id}`)).toBe(403)
    expect(await statusOf(mia, 'DELETE', `/api/projects/${project.id}`)).toBe(204)
    for (const path of [`/api/projects/${project.id}`, `/api/conversations/${conversation.id}`, `/api/conversations/${conversation.id}/messages`]) expect(await statusOf(owner, 'GET', path), path).toBe(404)
    expect(await listed(mia)).not.toContain('Passing')
    await expect.poll(call, { timeout: 30_000 }).toBe(401)
    expect(await statusOf(mia, 'DELETE', `/api/projects/${project.id}`)).toBe(404)

    expect(await statusOf(max, 'POST', `/api/projects/${project.id}/restore`)).toBe(403)
    expect(await statusOf(mia, 'POST', `/api/projects/${project.id}/restore`)).toBe(200)
    expect(await statusOf(mia, 'GET', `/api/conversations/${conversation.id}`)).toBe(200)
    // That a key is unknown is remembered for a while.
    await expect.poll(call, { timeout: 60_000 }).toBe(200)
    expect(await statusOf(mia, 'POST', `/api/projects/${project.id}/restore`)).toBe(404)
  })
})

test('a closed project that was deleted is still there for nobody who could not see it, nor has anybody a key made for it', async () => {
  const project = await makeProject(mia, { name: 'Passed' })
  await mia.succeed('PATCH', `/api/projects/${project.id}`, { access: 'members' })
  await mia.succeed('DELETE', `/api/projects/${project.id}`)
  expect(await statusOf(max, 'POST', `/api/projects/${project.id}/restore`)).toBe(404)
  for (const visitor of [mia, owner]) expect(await statusOf(visitor, 'POST', '/api/keys', { name: 'x', projectId: project.id })).toBe(404)
  expect(await statusOf(mia, 'POST', `/api/projects/${project.id}/restore`)).toBe(200)
})

describe('the list of projects', () => {
  test('is sorted as asked, page after page, and refuses a cursor of another order', async () => {
    const other = await join(owner, 'sorter@example.com', 'member')
    for (const name of ['beta', 'Alpha', 'gamma', 'alpha 2']) await makeProject(other, { name: `zz ${name}` })
    const walk = async (sort: string) => {
      const names: string[] = []
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = ProjectPage.parse((await other.succeed('GET', `/api/projects?search=zz&limit=1&sort=${sort}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)).body)
        names.push(...page.projects.map(({ name }) => name.slice(3)))
        cursor = page.nextCursor
      }
      return names
    }
    expect(await walk('name')).toEqual(['Alpha', 'alpha 2', 'beta', 'gamma'])
    expect(await walk('created')).toEqual(['alpha 2', 'gamma', 'Alpha', 'beta'])
    expect(await walk('activity')).toEqual(['alpha 2', 'gamma', 'Alpha', 'beta'])
    expect((await walk('spend')).toSorted()).toEqual(['Alpha', 'alpha 2', 'beta', 'gamma'])
    const { nextCursor } = ProjectPage.parse((await other.succeed('GET', '/api/projects?search=zz&limit=1&sort=name')).body)
    for (const query of [`sort=spend&cursor=${nextCursor}`, 'sort=random', 'cursor=x']) expect(await statusOf(other, 'GET', `/api/projects?${query}`), query).toBe(400)
  })
})

test('a project tells what its calls used, by day, model and person', async () => {
  const project = await makeProject(mia, { name: 'Busy' })
  const empty = ProjectActivity.parse((await mia.succeed('GET', `/api/projects/${project.id}/activity`)).body)
  expect(empty).toEqual({ total: { calls: 0, tokens: 0, costNanoUsd: '0' }, byDay: [], byModel: [], byPerson: [] })
  const conversation = await makeConversation(mia, project.id)
  for (const text of ['One', 'Two']) await mia.succeed('POST', `/api/conversations/${conversation.id}/messages`, { text })
  const activity = ProjectActivity.parse((await mia.succeed('GET', `/api/projects/${project.id}/activity`)).body)
  expect(activity.total.calls).toBe(2)
  expect(activity.byDay.map(({ calls }) => calls)).toEqual([2])
  expect(activity.byModel).toMatchObject([{ calls: 2 }])
  expect(activity.byPerson).toMatchObject([{ userId: userIds.mia, name: 'mia', calls: 2 }])
})

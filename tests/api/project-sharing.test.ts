import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Conversation } from '../../shared/conversations'
import { MemberList } from '../../shared/identity'
import { CreatedApiKey } from '../../shared/keys'
import { Project, ProjectActivity, ProjectMemberList, ProjectPage } from '../../shared/projects'
import type { LoomServer } from '../support/loom-server'
import { startLoom } from '../support/start-loom'
import type { Visitor } from '../support/visitor'
import { join, setUp } from '../support/visitor'

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
  const { members } = MemberList.parse((await owner.succeed('GET', '/api/orgs/current/members')).body)
  userIds = Object.fromEntries(members.map(({ email, userId }) => [email.split('@')[0], userId]))
})
afterAll(() => loom?.remove())

const makeProject = async (visitor: Visitor, body: object) => Project.parse((await visitor.succeed('POST', '/api/projects', body)).body)
const makeConversation = async (visitor: Visitor, projectId: string) => Conversation.parse((await visitor.succeed('POST', `/api/projects/${projectId}/conversations`, { model: 'demo' })).body)
const statusOf = async (visitor: Visitor, method: string, path: string, body?: object) => (await visitor.call(method, path, body)).status
const listed = async (visitor: Visitor, query = '') => ProjectPage.parse((await visitor.succeed('GET', `/api/projects?limit=100${query}`)).body).projects.map(({ name }) => name)

describe('a project for its members', () => {
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

    expect(ProjectMemberList.parse((await vera.succeed('GET', `${path}/members`)).body).members.map(({ name, role }) => [name, role])).toEqual([['max', 'editor'], ['mia', 'editor'], ['vera', 'editor']])
    await mia.succeed('DELETE', `${path}/members/${userIds.max}`)
    expect(await statusOf(max, 'GET', path)).toBe(404)
    expect(await statusOf(mia, 'PUT', `${path}/members/${crypto.randomUUID()}`, { role: 'viewer' })).toBe(404)
    expect(await statusOf(mia, 'PUT', `${path}/members/${userIds.max}`, { role: 'owner' })).toBe(400)
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

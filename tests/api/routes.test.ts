import { readdirSync } from 'node:fs'
import { join as joinPath, relative } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConversationPage } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import { ConnectionList } from '../../shared/connections'
import { memberRoles } from '../../shared/roles'
import type { MemberRole } from '../../shared/identity'
import { CreatedApiKey } from '../../shared/keys'
import { operations } from '../../server/gateway/operations/registry'
import { readRoles } from '../support/read-roles'
import type { Access } from '../support/read-roles'
import type { LoomServer } from '../support/loom-server'
import { startLoom } from '../support/start-loom'
import type { Answer } from '../support/visitor'
import { join, PASSWORD, setUp, signUp, Visitor } from '../support/visitor'

/** What the walk needs to know of a route. Ids in a path name what they are of, in braces. */
type Rule
  /** Open to strangers; why that is right. */
  = | { public: string }
  /** The browser API: the least role in the org. `body` is one that parses, so that the id decides. */
    | { role: MemberRole, platformAdmin?: true, body?: unknown, query?: string }
  /** `/v1`: the scope an API key needs. */
    | { scope: string, body?: unknown, headers?: Record<string, string> }

const anyone = 'viewer'
const uploadForm = (...parts: string[]) => ({
  headers: { 'content-type': 'multipart/form-data; boundary=b' },
  body: ['name="model"\r\n\r\ndemo', ...parts].map(part => `--b\r\ncontent-disposition: form-data; ${part}\r\n`).join('') + '--b--'
})
const sound = 'name="file"; filename="a.wav"\r\n\r\nsound'
const ownRules: Record<string, Rule> = {
  'ALL /api/auth/{path}': { public: 'signing in happens before anyone is known; each path of it is checked by the sign-in library' },
  'GET /api/setup': { public: 'the first visitor has no account yet' },
  'POST /api/setup': { public: 'guarded by the one-time token printed at start' },
  'GET /api/session': { public: 'tells a stranger that they are one' },
  'GET /api/invitations/{token}': { public: 'guarded by the token in the link' },
  'POST /api/invitations/{token}/accept': { public: 'guarded by the token in the link; newcomers have no account yet' },
  'ALL /v1': { public: 'nothing is there, as an SDK can read it' },
  'ALL /openai': { public: 'nothing is there, as an SDK can read it' },
  'GET /v1/openapi.json': { public: 'how the API is spoken to; the same for everyone' },
  'GET /health': { public: 'asked by load balancers; says only that the process is alive' },
  'GET /ready': { public: 'asked by load balancers; names no data' },
  'GET /metrics': { public: 'guarded by METRICS_TOKEN when it is set; totals of the process, no tenant in them' },

  'POST /api/session/org': { role: anyone },
  'POST /api/session/sso': { public: 'signing in happens before anyone is known; connecting an account asks for a session itself' },
  'POST /api/session/password/forgotten': { public: 'who has forgotten their password cannot sign in; it tells nothing of whether there is an account' },
  'PUT /api/session/password': { public: 'guarded by the one-time token in the link' },
  'GET /api/session/account': { role: anyone },
  'PATCH /api/session/account': { role: anyone },
  'GET /api/session/devices': { role: anyone },
  'DELETE /api/session/devices': { role: anyone },
  'DELETE /api/session/devices/{device}': { role: anyone },
  'GET /api/orgs/current': { role: anyone },
  'PATCH /api/orgs/current': { role: 'admin' },
  'DELETE /api/orgs/current': { role: 'owner', body: { confirm: 'no' } },
  'GET /api/orgs/current/policy': { role: anyone },
  'PUT /api/orgs/current/policy': { role: 'admin', body: { policy: {} } },
  'GET /api/orgs/current/retention': { role: anyone },
  'PUT /api/orgs/current/retention': { role: 'owner' },
  'DELETE /api/orgs/current/encryption-key': { role: 'owner', body: { confirm: 'no' } },
  'GET /api/orgs/current/members': { role: anyone },
  'PATCH /api/orgs/current/members/{member}': { role: 'admin', body: { role: 'viewer' } },
  'DELETE /api/orgs/current/members/{member}': { role: anyone },
  'DELETE /api/orgs/current/members/{member}/sessions': { role: 'admin' },
  'GET /api/orgs/current/invitations': { role: 'admin' },
  'POST /api/orgs/current/invitations': { role: 'admin' },
  'DELETE /api/orgs/current/invitations/{invitation}': { role: 'admin' },
  'GET /api/platform/settings': { role: anyone, platformAdmin: true },
  'PATCH /api/platform/settings': { role: anyone, platformAdmin: true },
  'GET /api/platform/status': { role: anyone, platformAdmin: true },
  'GET /api/platform/orgs': { role: anyone, platformAdmin: true },
  'POST /api/platform/orgs': { role: anyone, platformAdmin: true },
  'PATCH /api/platform/orgs/{org}': { role: anyone, platformAdmin: true, body: { status: 'inactive' } },
  'DELETE /api/platform/orgs/{org}': { role: anyone, platformAdmin: true },
  'POST /api/platform/orgs/{org}/restore': { role: anyone, platformAdmin: true },
  'POST /api/platform/orgs/{org}/purge': { role: anyone, platformAdmin: true, body: { confirm: 'no' } },
  'GET /api/platform/users': { role: anyone, platformAdmin: true },
  'PATCH /api/platform/users/{user}': { role: anyone, platformAdmin: true, body: { active: false } },
  'DELETE /api/platform/users/{user}/sessions': { role: anyone, platformAdmin: true },
  'POST /api/platform/users/{user}/reset-link': { role: anyone, platformAdmin: true },
  'GET /api/platform/sso': { role: anyone, platformAdmin: true },
  'PUT /api/platform/sso': { role: anyone, platformAdmin: true },
  'DELETE /api/platform/sso': { role: anyone, platformAdmin: true },
  'GET /api/platform/policy': { role: anyone, platformAdmin: true },
  'PUT /api/platform/policy': { role: anyone, platformAdmin: true, body: { policy: {} } },
  'POST /api/platform/orgs/{org}/funds': { role: anyone, platformAdmin: true, body: { amountUsd: '1', refId: 'walk' } },
  'PATCH /api/platform/orgs/{org}/wallet': { role: anyone, platformAdmin: true },
  'DELETE /api/platform/orgs/{org}/encryption-key': { role: anyone, platformAdmin: true, body: { confirm: 'no' } },
  'POST /api/platform/orgs/{org}/refunds': { role: anyone, platformAdmin: true, body: { chargeId: '01890000-0000-7000-8000-000000000000', refId: 'walk' } },

  'GET /api/alerts': { role: 'admin' },
  'POST /api/alerts/rules': { role: 'admin' },
  'PATCH /api/alerts/rules/{alertRule}': { role: 'admin', body: { name: 'mine now' } },
  'DELETE /api/alerts/rules/{alertRule}': { role: 'admin' },
  'POST /api/alerts/webhooks': { role: 'admin' },
  'PATCH /api/alerts/webhooks/{alertWebhook}': { role: 'admin', body: { name: 'mine now' } },
  'DELETE /api/alerts/webhooks/{alertWebhook}': { role: 'admin' },
  'POST /api/alerts/webhooks/{alertWebhook}/rotate': { role: 'admin' },
  'POST /api/alerts/webhooks/{alertWebhook}/test': { role: 'admin' },
  'GET /api/alerts/deliveries': { role: 'admin' },
  'POST /api/alerts/deliveries/{alertDelivery}/resend': { role: 'admin' },
  'GET /api/budgets': { role: anyone },
  'DELETE /api/cache': { role: 'admin' },
  'GET /api/keys': { role: 'member' },
  'GET /api/keys/{key}': { role: 'member' },
  'POST /api/keys': { role: 'member' },
  'PATCH /api/keys/{key}': { role: 'member', body: { name: 'mine now' } },
  'DELETE /api/keys/{key}': { role: 'member' },
  'POST /api/keys/{key}/rotate': { role: 'member', body: {} },
  'GET /api/connections': { role: anyone },
  'POST /api/connections': { role: 'admin' },
  'PATCH /api/connections/{connection}': { role: 'admin', body: { name: 'mine-now' } },
  'DELETE /api/connections/{connection}': { role: 'admin' },
  'POST /api/connections/{connection}/test': { role: 'admin', body: {} },
  'GET /api/connections/health': { role: anyone },
  'GET /api/models': { role: anyone },
  'POST /api/models/try': { role: 'member', body: { model: 'demo', prompt: 'hi' } },
  'GET /api/models/routes': { role: anyone },
  'POST /api/models/routes': { role: 'admin' },
  'PATCH /api/models/routes/{modelRoute}': { role: 'admin', body: { alias: 'mine-now' } },
  'DELETE /api/models/routes/{modelRoute}': { role: 'admin' },
  'GET /api/models/prices': { role: anyone },
  'POST /api/models/prices': { role: anyone, platformAdmin: true },
  'DELETE /api/models/prices/{price}': { role: anyone, platformAdmin: true },

  'GET /api/projects': { role: anyone },
  'POST /api/projects': { role: 'member' },
  'GET /api/projects/{project}': { role: anyone },
  'PATCH /api/projects/{project}': { role: 'member', body: { name: 'mine now' } },
  'GET /api/projects/{project}/conversations': { role: anyone },
  'GET /api/projects/{project}/changes': { role: anyone },
  'POST /api/projects/{project}/conversations': { role: 'member', body: {} },
  'GET /api/projects/{project}/files': { role: anyone },
  'POST /api/projects/{project}/files': { role: 'member', body: 'walked', query: '?name=walked.txt' },
  'GET /api/files/{file}/content': { role: anyone },
  'DELETE /api/files/{file}': { role: 'member' },
  'POST /api/files/{file}/restore': { role: 'member' },
  'DELETE /api/projects/{project}': { role: 'member' },
  'POST /api/projects/{project}/restore': { role: 'member' },
  'GET /api/projects/{project}/activity': { role: anyone },
  'GET /api/projects/{project}/members': { role: anyone },
  'PUT /api/projects/{project}/members/{user}': { role: 'member', body: { role: 'viewer' } },
  'DELETE /api/projects/{project}/members/{user}': { role: 'member' },
  'POST /api/projects/{project}/import': { role: 'member', body: { format: 'loom.conversation', version: 1, title: 'x', model: null, createdAt: '2026-01-31T00:00:00Z', shownMessageId: null, messages: [] } },
  'POST /api/projects/{project}/temporary': { role: 'member', body: { messages: [{ role: 'user', text: 'hello' }] } },
  'POST /api/conversations/bulk': { role: 'member' },
  'GET /api/conversations/{conversation}/search': { role: anyone, query: '?q=hello' },
  'GET /api/conversations/{conversation}': { role: anyone },
  'PUT /api/conversations/{conversation}/seen': { role: anyone },
  'PATCH /api/conversations/{conversation}': { role: 'member', body: { title: 'mine now' } },
  'DELETE /api/conversations/{conversation}': { role: 'member' },
  'POST /api/conversations/{conversation}/restore': { role: 'member' },
  'POST /api/conversations/{conversation}/duplicate': { role: 'member' },
  'GET /api/conversations/{conversation}/export': { role: anyone },
  'GET /api/search': { role: anyone, query: '?q=hello' },
  'POST /api/conversations/{conversation}/decisions': { role: 'member', body: { toolCallId: 'walked', decision: 'once' } },
  'GET /api/conversations/{conversation}/artifacts': { role: anyone },
  'GET /api/artifacts/{artifact}/content': { role: anyone },
  'GET /api/artifacts/{artifact}/preview': { role: anyone },
  'POST /api/conversations/{conversation}/stop': { role: 'member' },
  'GET /api/conversations/{conversation}/stream': { role: anyone },
  'GET /api/conversations/{conversation}/messages': { role: anyone },
  'POST /api/conversations/{conversation}/messages': { role: 'member', body: { text: 'hello' } },
  'POST /api/conversations/{conversation}/messages/{message}/retry': { role: 'member', body: {} },
  'POST /api/conversations/{conversation}/messages/{message}/continue': { role: 'member', body: {} },
  'POST /api/conversations/{conversation}/messages/{message}/show': { role: 'member' },
  'GET /api/conversations/{conversation}/messages/{message}/request': { role: anyone },
  'PUT /api/conversations/{conversation}/messages/{message}/feedback': { role: 'member', body: { rating: 'up' } },
  'POST /api/conversations/{conversation}/messages/{message}/branch-off': { role: 'member', body: {} },

  'GET /api/audit': { role: 'admin' },
  'GET /api/audit/actions': { role: 'admin' },
  'GET /api/audit/export': { role: 'admin' },

  'GET /api/traces': { role: anyone },
  'GET /api/traces/{trace}': { role: anyone },
  'POST /api/traces/{trace}/replay': { role: 'admin', body: { model: 'demo' } },
  'POST /api/traces/{trace}/conversation': { role: 'admin', body: { projectId: '01890000-0000-7000-8000-000000000000' } },
  'GET /api/traces/facets': { role: anyone },
  'GET /api/traces/search': { role: 'admin', query: '?text=hello' },
  'GET /api/traces/export': { role: anyone },
  'GET /api/traces/views': { role: anyone },
  'POST /api/traces/views': { role: anyone, body: { name: 'mine', query: '' } },
  'DELETE /api/traces/views/{view}': { role: anyone },
  'GET /api/analytics/summary': { role: anyone },
  'GET /api/analytics/timeseries': { role: anyone },
  'GET /api/usage': { role: anyone, query: '?by=day' },
  'GET /api/wallet': { role: anyone },
  'GET /api/transactions': { role: anyone },
  'GET /api/statements/{month}': { role: anyone },

  'POST /v1/chat/completions': { scope: 'inference', body: { model: 'demo', messages: [{ role: 'user', content: 'hi' }] } },
  'POST /v1/completions': { scope: 'inference', body: { model: 'demo', prompt: 'hi' } },
  'POST /v1/responses': { scope: 'inference', body: { model: 'demo', input: 'hi' } },
  'POST /v1/messages': { scope: 'inference', body: { model: 'demo', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] } },
  'POST /v1/messages/count_tokens': { scope: 'inference', body: { model: 'demo', messages: [{ role: 'user', content: 'hi' }] } },
  'POST /v1/embeddings': { scope: 'embeddings', body: { model: 'demo', input: 'hi' } },
  'POST /v1/images/generations': { scope: 'images', body: { model: 'demo', prompt: 'hi' } },
  'POST /v1/images/edits': { scope: 'images', ...uploadForm('name="prompt"\r\n\r\nhi', 'name="image"; filename="a.png"\r\n\r\npicture') },
  'POST /v1/audio/speech': { scope: 'audio', body: { model: 'demo', input: 'hi', voice: 'alloy' } },
  'POST /v1/audio/transcriptions': { scope: 'audio', ...uploadForm(sound) },
  'POST /v1/audio/translations': { scope: 'audio', ...uploadForm(sound) },
  'POST /v1/moderations': { scope: 'moderations', body: { model: 'demo', input: 'hi' } },
  'POST /v1/rerank': { scope: 'rerank', body: { model: 'demo', query: 'hi', documents: ['hi'] } },
  'POST /v1/policy/check': { scope: 'inference', body: { endpoint: '/v1/chat/completions', body: { model: 'demo', messages: [{ role: 'user', content: 'hi' }] } } },
  'GET /v1/models': { scope: 'inference' },
  'GET /v1/models/{id}': { scope: 'inference' },
  'GET /openai/models': { scope: 'inference' },
  'GET /openai/models/{id}': { scope: 'inference' },
  'GET /openai/v1/models': { scope: 'inference' },
  'GET /openai/v1/models/{id}': { scope: 'inference' },
  'GET /v1/traces': { scope: 'traces' },
  'GET /v1/traces/{trace}': { scope: 'traces' },
  'GET /v1/usage': { scope: 'traces' },
  'GET /v1/analytics/summary': { scope: 'traces' },
  'GET /v1/analytics/timeseries': { scope: 'traces' },
  'GET /v1/wallet': { scope: 'traces' },
  'DELETE /v1/cache': { scope: 'billing' },
  'GET /v1/transactions': { scope: 'traces' },
  'GET /v1/statements/{month}': { scope: 'traces' }
}

const operationPaths = new Set(operations.map(({ path }) => `POST ${path}`))
const rules: Record<string, Rule> = {
  ...ownRules,
  ...Object.fromEntries(Object.entries(ownRules).flatMap(([route, rule]) => operationPaths.has(route) ? [[route.replace('/v1', '/openai/v1'), rule]] : []))
}

const server = joinPath(import.meta.dirname, '../../server')

/** Every route there is, as `METHOD /path/{}`, from the files Nitro makes them of. */
function findRoutes(): string[] {
  const files = (['api', 'routes'] as const).flatMap(folder => readdirSync(joinPath(server, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => toRoute(folder, relative(joinPath(server, folder), joinPath(entry.parentPath, entry.name)))))
  // One file serves all calls of models and refuses the rest, another the same on Azure's paths.
  const served = (folder: string) => operations.map(({ path }) => `POST ${path.replace('/v1', folder)}`)
  return files.flatMap(route => route === 'ALL /v1/{}' ? served('/v1') : route === 'ALL /openai/{}' ? served('/openai/v1') : [route])
}

function toRoute(folder: 'api' | 'routes', file: string): string {
  const [, path = '', method = 'all'] = /^(.*?)(?:\.(get|post|put|patch|delete))?\.ts$/.exec(file) ?? []
  const route = `/${path}`.replace(/\/index$/, '').replaceAll(/\[[^\]]+\]/g, '{}')
  return `${method.toUpperCase()} ${folder === 'api' ? '/api' : ''}${route}`
}

const anonymous = (route: string) => route.replaceAll(/\{\w+\}/g, '{}')
const all = Object.entries(rules).map(([route, rule]) => {
  const [method = '', path = ''] = route.split(' ')
  return { route, method, path, rule }
})
const browserRoutes = all.flatMap(({ rule, ...route }) => 'role' in rule ? [{ ...route, rule }] : [])
const sdkRoutes = all.flatMap(({ rule, ...route }) => 'scope' in rule ? [{ ...route, rule }] : [])

let loom: LoomServer
let owner: Visitor
let stranger: Visitor
let outsider: Visitor
const members: Partial<Record<MemberRole, Visitor>> = {}
/** Ids of what the owner's org has, by the names the paths use. */
let ids: Record<string, string>
let outsiderKey: (scopes: string[]) => Promise<string>

beforeAll(async () => {
  // The walk is one address with many wrong keys.
  loom = await startLoom({ env: { AUTH_FAILURES_PER_MINUTE: '100000' } })
  owner = await setUp(loom)
  stranger = new Visitor(loom)
  outsider = await signUp(owner, 'outsider@example.com')
  for (const role of ['admin', 'member', 'viewer'] as const) members[role] = await join(owner, `${role}@example.com`, role)
  members.owner = await join(owner, 'second-owner@example.com', 'owner')
  ids = await fillOrg(owner)
  outsiderKey = async scopes => CreatedApiKey.parse((await outsider.succeed('POST', '/api/keys', { name: scopes.join(), scopes })).body).key
})
afterAll(() => loom?.remove())

/** One of everything that has an id. */
async function fillOrg(visitor: Visitor): Promise<Record<string, string>> {
  const WithId = z.object({ id: z.string() })
  const make = async (path: string, body: unknown) => WithId.parse((await visitor.succeed('POST', path, body)).body).id
  const [org, project] = [WithId.parse((await visitor.succeed('GET', '/api/orgs/current')).body).id, await make('/api/projects', { name: 'Walked' })]
  const conversation = await make(`/api/projects/${project}/conversations`, { model: 'demo' })
  await visitor.succeed('POST', `/api/conversations/${conversation}/messages`, { text: 'hello' })
  await visitor.succeed('POST', `/api/conversations/${conversation}/messages`, { text: 'create artifact', tools: true })
  const { artifacts: [artifact] } = z.object({ artifacts: z.array(WithId) }).parse((await visitor.succeed('GET', `/api/conversations/${conversation}/artifacts`)).body)
  const { messages } = MessagePage.parse((await visitor.succeed('GET', `/api/conversations/${conversation}/messages`)).body)
  const { members: [member] } = z.object({ members: z.array(WithId) }).parse((await visitor.succeed('GET', '/api/orgs/current/members')).body)
  const connection = await make('/api/connections', { kind: 'openai', name: 'walked', secret: 'sk-walked' })
  const alertWebhook = await make('/api/alerts/webhooks', { name: 'walked', url: 'https://example.com/hook' })
  const { deliveryId } = z.object({ deliveryId: z.string() }).parse((await visitor.succeed('POST', `/api/alerts/webhooks/${alertWebhook}/test`)).body)
  return {
    org,
    project,
    conversation,
    artifact: artifact?.id ?? '',
    file: await make(`/api/projects/${project}/files?name=walked.txt`, 'walked'),
    message: messages.at(-1)?.id ?? '',
    trace: messages.at(-1)?.traceId ?? '',
    member: member?.id ?? '',
    invitation: await make('/api/orgs/current/invitations', { email: 'invited@example.com', role: 'viewer' }),
    key: await make('/api/keys', { name: 'walked' }),
    connection,
    alertWebhook,
    alertDelivery: deliveryId,
    alertRule: await make('/api/alerts/rules', { name: 'walked', condition: { kind: 'circuit' } }),
    view: await make('/api/traces/views', { name: 'walked', query: '' }),
    modelRoute: await make('/api/models/routes', { alias: 'walked', targets: [{ connectionId: connection, upstreamModel: 'gpt-4o' }] })
  }
}

const fill = (path: string, values: Record<string, string>) => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? uuidv7())

/** Both answers but for what differs by its nature: the id of the request. */
const comparable = ({ status, body }: Answer) => ({ status, body })

test('every route has a rule, and every rule a route', () => {
  expect(all.map(({ route }) => anonymous(route)).sort()).toEqual(findRoutes().sort())
})

describe('a method that no route takes', () => {
  const taken = new Set(all.map(({ route }) => anonymous(route)))
  const untaken = (path: string) => ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(method => !taken.has(`${method} ${anonymous(path)}`))
  const paths = [...new Set(all.map(({ path }) => path))].filter(path => !taken.has(`ALL ${anonymous(path)}`))

  test.each(paths.map(path => ({ path, methods: untaken(path) })))('of $path ($methods) is refused as a program can read it, whoever asks', async ({ path, methods }) => {
    const asked = methods.flatMap(method => [stranger, owner].map(visitor => ({ method, visitor })))
    const answers = await Promise.all(asked.map(async ({ method, visitor }) => ({ method, ...await visitor.call(method, fill(path, {})) })))
    // Where one path is another's `{id}`, it is judged as that.
    for (const { method, status, headers } of answers) expect([[400, 401, 403, 404].includes(status), headers.get('content-type')], `${method} ${status}`).toEqual([true, expect.stringContaining('application/json')])
  })

  test.each([['/health', 200], ['/ready', 200], ['/v1/openapi.json', 200], ['/v1/models', 401], ['/api/keys', 401], ['/login', 200]])('but HEAD of %s is answered as GET is: %i', async (path, status) => {
    expect(await stranger.call('HEAD', path)).toMatchObject({ status, body: undefined })
  })
})

describe('docs/roles.md', () => {
  const told = readRoles()
  const granted = (access: Access) => access.kind === 'role' ? memberRoles.filter(role => access.rights[role] !== '–') : []
  const promises = Object.entries(told).flatMap(([route, access]) => granted(access).map(role => ({ route, role, right: access.kind === 'role' ? access.rights[role] : '–' })))

  test('tells of every route there is, and of each what the walk finds', () => {
    const walked = Object.fromEntries(Object.entries(ownRules).map(([route, rule]) => [route, describeRule(rule)]))
    expect(Object.fromEntries(Object.entries(told).map(([route, access]) => [route, describeAccess(access)]))).toEqual(walked)
  })

  test.each(promises)('$route lets the role $role in ($right)', async ({ route, role, right }) => {
    const [method = '', path = ''] = route.split(' ')
    const { rule } = browserRoutes.find(known => known.route === route) ?? {}
    const body = method === 'GET' ? undefined : rule?.body ?? {}
    const call = (values: Record<string, string>) => members[role]?.call(method, fill(path, values) + (rule?.query ?? ''), body)
    // An id nobody has: whoever is let in is told so, and nothing is changed.
    expect([401, 403]).not.toContain((await call({}))?.status)
    if (right === 'own') expect((await call(ids))?.status).toBe(403)
  })

  /** The roles a rule lets in, or what else it asks for. */
  function describeRule(rule: Rule): unknown {
    if ('public' in rule) return 'public'
    if ('scope' in rule) return rule.scope
    return rule.platformAdmin ? 'platform-admin' : memberRoles.slice(0, memberRoles.indexOf(rule.role) + 1)
  }

  function describeAccess(access: Access): unknown {
    if (access.kind === 'scope') return access.scope
    return access.kind === 'role' ? granted(access) : access.kind
  }
})

const disguises: Record<string, string>[] = [
  {},
  { cookie: 'loom.session_token=c2Vzc2lvbg.c2lnbmF0dXJl; __Secure-loom.session_token=x.y' },
  { authorization: 'Bearer loom_sk_0' },
  { 'x-api-key': `loom_sk_${'a'.repeat(46)}` }
]

describe('strangers', () => {
  test.each(browserRoutes)('$route refuses who is not signed in, whatever cookie or key they made up', async ({ method, path, rule }) => {
    const call = (headers: Record<string, string>) => stranger.call(method, fill(path, ids) + (rule.query ?? ''), method === 'GET' ? undefined : rule.body, headers)
    for (const headers of disguises) expect((await call(headers)).status).toBe(401)
  })

  test.each(sdkRoutes)('$route refuses who has no key, whatever cookie they have', async ({ method, path, rule }) => {
    for (const visitor of [stranger, owner]) expect((await visitor.call(method, fill(path, ids), rule.body)).status).toBe(401)
  })
})

describe('paths that are part of a route open to strangers', () => {
  const ofAccounts: [path: string, body: object][] = [
    ['change-password', { currentPassword: PASSWORD, newPassword: 'another horse battery' }],
    ['two-factor/enable', { password: PASSWORD }],
    ['two-factor/disable', { password: PASSWORD }],
    ['two-factor/generate-backup-codes', { password: PASSWORD }],
    ['two-factor/verify-totp', { code: '123456' }],
    ['two-factor/verify-backup-code', { code: 'abcde-fghij' }],
    ['unlink-account', { accountId: 'x' }]
  ]
  test.each(ofAccounts)('POST /api/auth/%s refuses who is not signed in', async (path, body) => {
    for (const headers of disguises) expect((await stranger.call('POST', `/api/auth/${path}`, body, headers)).status).toBe(401)
  })

  test.each(operations.map(({ path }) => path.replace('/v1', '/openai/deployments/demo')))('POST %s, as Azure\'s SDKs call it, refuses who has no key', async (path) => {
    const rule = ownRules[`POST ${path.replace('/openai/deployments/demo', '/v1')}`]
    const body = rule && 'scope' in rule ? rule.body : undefined
    for (const visitor of [stranger, owner]) expect((await visitor.call('POST', `${path}?api-version=2024-10-21`, body)).status).toBe(401)
  })
})

describe('roles', () => {
  const tooLow = browserRoutes.flatMap(route => memberRoles.slice(memberRoles.indexOf(route.rule.role) + 1).map(role => ({ ...route, role })))

  test.each(tooLow)('$route refuses the role $role', async ({ method, path, rule, role }) => {
    expect((await members[role]?.call(method, fill(path, ids), rule.body))?.status).toBe(403)
  })

  test.each(browserRoutes.filter(({ rule }) => rule.platformAdmin))('$route refuses owners who do not run the platform', async ({ method, path, rule }) => {
    for (const visitor of [outsider, members.owner]) expect((await visitor?.call(method, fill(path, ids), rule.body))?.status).toBe(403)
  })
})

describe('other orgs', () => {
  const withIds = browserRoutes.filter(({ path, rule }) => path.includes('{') && !rule.platformAdmin)

  test.each(withIds)('$route answers for another org\'s id as for one nobody has', async ({ method, path, rule }) => {
    const foreign = await outsider.call(method, fill(path, ids) + (rule.query ?? ''), rule.body)
    const unknown = await outsider.call(method, fill(path, {}) + (rule.query ?? ''), rule.body)
    expect(foreign.status).toBe(404)
    expect(comparable(foreign)).toEqual(comparable(unknown))
  })

  test('/v1/traces/{id} answers for another org\'s id as for one nobody has', async () => {
    const caller = new Visitor(loom, { authorization: `Bearer ${await outsiderKey(['traces'])}` })
    const [foreign, unknown] = [await caller.call('GET', `/v1/traces/${ids.trace}`), await caller.call('GET', `/v1/traces/${uuidv7()}`)]
    expect(foreign.status).toBe(404)
    expect(comparable(foreign)).toEqual(comparable(unknown))
  })

  test('lists hold nothing of another org', async () => {
    const secrets = [ids.project, ids.conversation, ids.key, ids.connection, ids.trace, ids.invitation, 'walked']
    const key = await outsiderKey(['inference', 'traces'])
    const lists = [...browserRoutes, ...sdkRoutes].filter(({ method, path, rule }) => method === 'GET' && !path.includes('{') && !('platformAdmin' in rule))
    for (const { path, rule } of lists) {
      const answer = await outsider.call('GET', path + ('query' in rule ? rule.query ?? '' : ''), undefined, 'scope' in rule ? { authorization: `Bearer ${key}` } : {})
      expect(answer.status, path).toBe(200)
      for (const secret of secrets) expect(JSON.stringify(answer.body), path).not.toContain(secret)
    }
  })

  test('what was tried changed nothing', async () => {
    const { connections } = ConnectionList.parse((await owner.succeed('GET', '/api/connections')).body)
    expect(connections.find(({ id }) => id === ids.connection)).toMatchObject({ name: 'walked', hasSecret: true })
    const { conversations } = ConversationPage.parse((await owner.succeed('GET', `/api/projects/${ids.project}/conversations`)).body)
    expect(conversations.map(({ id }) => id)).toEqual([ids.conversation])
  })
})

describe('keys', () => {
  test.each(sdkRoutes)('$route refuses a key without the scope $rule.scope', async ({ method, path, rule }) => {
    const caller = new Visitor(loom, { authorization: `Bearer ${await outsiderKey(['bodies'])}` })
    expect(await caller.call(method, fill(path, {}), rule.body, rule.headers)).toMatchObject({ status: 403, body: { error: { code: 'insufficient_scope' } } })
  })

  test('the browser API refuses a key without the scope workspace', async () => {
    const caller = new Visitor(loom, { authorization: `Bearer ${await outsiderKey(['inference', 'traces', 'billing', 'bodies'])}` })
    for (const { method, path, rule } of browserRoutes) {
      expect(await caller.call(method, fill(path, {}), method === 'GET' ? undefined : rule.body), path).toMatchObject({ status: 403, body: { error: { code: 'insufficient_scope' } } })
    }
  })
})

test('no state changes on a call that another site made a browser send', async () => {
  const origins: Record<string, string>[] = [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]
  for (const { method, path, rule } of browserRoutes.filter(route => route.method !== 'GET')) {
    for (const headers of origins) {
      expect((await owner.call(method, fill(path, ids), rule.body, headers)).status, `${method} ${path}`).toBe(403)
    }
  }
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { ReplayedTrace, SavedView, SavedViews, TraceDetail, TraceFacets, TracePage, TraceSearchPage } from '../../../shared/traces'
import { AnalyticsSummary } from '../../../shared/analytics'
import { AuditPage } from '../../../shared/audit'
import { MessagePage } from '../../../shared/messages'
import type { LoomServer } from '../../support/loom-server'
import { admin } from '../../support/set-up-loom'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'
import { join, setUp, signUp, Visitor } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
let viewer: Visitor
let outsider: Visitor
let key: { id: string, key: string }
let outsiderKey: string
const Key = z.object({ id: z.string(), key: z.string() })
const FORMULA = '=HYPERLINK("http://evil.example","click")'

beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
  viewer = await join(owner, 'viewer@example.com', 'viewer')
  outsider = await signUp(owner, 'outsider@example.com')
  key = Key.parse((await owner.succeed('POST', '/api/keys', { name: `${FORMULA} <script>alert(1)</script> ‮🦜`, scopes: ['inference', 'traces'] })).body)
  outsiderKey = Key.parse((await outsider.succeed('POST', '/api/keys', { name: 'theirs', scopes: ['inference', 'traces'] })).body).key
  for (const [model, text] of [['demo', 'the first question about herons'], ['demo', 'a second "quoted" question'], [FORMULA, 'refused'], ['demo', 'the last question']] as const) await ask(key.key, model, text)
  for (let call = 0; call < 3; call++) await ask(outsiderKey, 'demo', 'herons of somebody else')
  // Nobody waits for the trace of a refusal.
  await until(async () => (await list('', outsider)).items.length === 3)
})
afterAll(() => loom?.remove())

const ask = (secret: string, model: string, content: string) => new Visitor(loom, { authorization: `Bearer ${secret}` }).call('POST', '/v1/chat/completions', { model, messages: [{ role: 'user', content }] })
const list = async (query = '', visitor = owner) => TracePage.parse((await visitor.succeed('GET', `/api/traces${query}`)).body)
/** The newest first. */
const audited = async (action: string) => AuditPage.parse((await owner.succeed('GET', `/api/audit?action=${action}`)).body).items
const ids = async (query: string) => (await list(query)).items.map(({ id }) => id)

describe('the list', () => {
  test('a page after the other holds every trace once', async () => {
    const all = await ids('')
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: z.infer<typeof TracePage> = await list(`?limit=1${cursor && `&cursor=${cursor}`}`)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(all)
    expect(seen).toHaveLength(4)
  })

  test.each(['status=404', 'status=error', 'provider=none', `model=${encodeURIComponent(FORMULA)}`])('narrowed by %s holds the failed call alone', async (query) => {
    expect((await list(`?${query}`)).items).toMatchObject([{ model: FORMULA, statusCode: 404 }])
  })

  test('narrowed by key, latency, cost, tag and time', async () => {
    expect(await ids(`?apiKeyId=${key.id}`)).toHaveLength(4)
    expect(await ids(`?apiKeyId=${uuidv7()}`)).toEqual([])
    expect(await ids('?minLatencyMs=600000')).toEqual([])
    expect(await ids('?minCostUsd=1000')).toEqual([])
    expect(await ids('?minLatencyMs=0&minCostUsd=0')).toHaveLength(4)
    expect(await ids('?tag=team%3Dsearch')).toEqual([])
    expect(await ids('?to=2020-01-01T00:00:00Z')).toEqual([])
  })

  test.each(['tag=nothing', 'minCostUsd=-1', 'minCostUsd=1e9', 'minLatencyMs=x', 'status=teapot', 'from=yesterday', 'cursor=%00', 'cursor=abc', 'limit=201'])('%s is refused', async (query) => {
    expect(await owner.call('GET', `/api/traces?${query}`)).toMatchObject({ status: 400 })
  })

  test('a cursor that was forged, or is of another org, is refused and reads nothing', async () => {
    const { nextCursor } = await list('?limit=1', outsider)
    const decoded = Buffer.from(nextCursor ?? '', 'base64url').toString()
    for (const cursor of [nextCursor ?? '', Buffer.from(decoded.slice(0, -1)).toString('base64url'), Buffer.from(decoded.split('|').slice(0, 2).join('|')).toString('base64url')]) {
      expect(await owner.call('GET', `/api/traces?cursor=${cursor}`)).toMatchObject({ status: 400 })
      expect(await owner.call('GET', `/api/traces/search?text=herons&cursor=${cursor}`)).toMatchObject({ status: 400 })
      expect(await new Visitor(loom, { authorization: `Bearer ${key.key}` }).call('GET', `/v1/traces?cursor=${cursor}`)).toMatchObject({ status: 400 })
    }
    expect(await outsider.call('GET', `/api/traces?cursor=${nextCursor}`)).toMatchObject({ status: 200 })
  })

  test('what there is to filter by names the org\'s own alone', async () => {
    const facets = TraceFacets.parse((await owner.succeed('GET', '/api/traces/facets')).body)
    expect(facets.key.map(({ value, requests }) => ({ value, requests }))).toEqual([{ value: key.id, requests: 4 }])
    expect(facets.status.map(({ value }) => value).toSorted()).toEqual(['200', '404'])
    expect(facets.model.map(({ value }) => value)).not.toContain(FORMULA)
    expect(facets.user.map(({ name }) => name)).not.toContain('outsider')
  })
})

describe('a trace', () => {
  const answered = async () => (await ids('?status=200'))[0] ?? ''

  test('tells its key, its charge and the price it was computed from', async () => {
    const trace = TraceDetail.parse((await owner.succeed('GET', `/api/traces/${await answered()}`)).body)
    expect(trace).toMatchObject({ key: { id: key.id }, requestBody: null, charge: { status: 'captured', capturedNanoUsd: trace.costNanoUsd, refundedNanoUsd: '0' } })
    const [failed = ''] = await ids('?status=404')
    expect(TraceDetail.parse((await owner.succeed('GET', `/api/traces/${failed}`)).body).charge).toBeNull()
  })

  test('shows its bodies to admins alone, and each view is in the audit log', async () => {
    const id = await answered()
    const before = await audited('trace.view')
    expect(await viewer.call('GET', `/api/traces/${id}?include=bodies`)).toMatchObject({ status: 403 })
    expect(TraceDetail.parse((await owner.succeed('GET', `/api/traces/${id}?include=bodies`)).body).requestBody).toContain('the last question')
    expect(await outsider.call('GET', `/api/traces/${id}?include=bodies`)).toMatchObject({ status: 404 })
    await owner.succeed('GET', `/api/traces/${id}`)
    const [view, ...earlier] = await audited('trace.view')
    expect(view).toMatchObject({ actorName: admin.name, target: `trace:${id}`, ip: '127.0.0.1' })
    expect(earlier, 'who was refused, or looked without bodies, saw none').toEqual(before)
  })

  test('tells a key its bodies, and that is in the audit log, too', async () => {
    const id = await answered()
    const reader = Key.parse((await owner.succeed('POST', '/api/keys', { name: 'Reader', scopes: ['traces', 'bodies'] })).body)
    await new Visitor(loom, { authorization: `Bearer ${reader.key}` }).succeed('GET', `/v1/traces/${id}?include=bodies`)
    expect((await audited('trace.view'))[0]).toMatchObject({ actor: `key:${reader.id}`, target: `trace:${id}` })
  })

  test('is replayed on another model as a trace of its own, and that its body was read for it is in the audit log', async () => {
    const original = await answered()
    const { traceId, error } = ReplayedTrace.parse((await owner.succeed('POST', `/api/traces/${original}/replay`, { model: 'demo' })).body)
    expect(error).toBeNull()
    expect(await audited('trace.replay')).toMatchObject([{ actorName: admin.name, target: `trace:${original}`, after: { model: 'demo', traceId } }])
    expect(TraceDetail.parse((await owner.succeed('GET', `/api/traces/${traceId}?include=bodies`)).body).requestBody).toContain('the last question')
    const refused = ReplayedTrace.parse((await owner.succeed('POST', `/api/traces/${traceId}/replay`, { model: 'no-such-model' })).body)
    expect(refused.error).toContain('no-such-model')
    expect(await viewer.call('POST', `/api/traces/${traceId}/replay`, { model: 'demo' })).toMatchObject({ status: 403 })
    expect((await audited('trace.replay')).map(({ after }) => after)).toEqual([{ model: 'no-such-model', traceId: refused.traceId }, { model: 'demo', traceId }])
  })
})

describe('opened as a conversation, a trace', () => {
  const Opened = z.object({ id: z.string(), title: z.string(), projectId: z.string(), model: z.string(), systemPrompt: z.string(), costNanoUsd: z.string() })
  const project = async (visitor: Visitor) => z.object({ id: z.string() }).parse((await visitor.succeed('POST', '/api/projects', { name: 'Opened' })).body).id

  test('becomes one of the caller\'s with what was said, that goes on as any other; and it is in the audit log', async () => {
    const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: '<b>Where do\0 bitterns live?</b>' }, { role: 'assistant', content: 'In reeds.' }, { role: 'user', content: 'And egrets?' }]
    await new Visitor(loom, { authorization: `Bearer ${key.key}` }).succeed('POST', '/v1/chat/completions', { model: 'demo', messages })
    const [traceId = ''] = await ids('?limit=1')
    const projectId = await project(owner)
    const opened = Opened.parse((await owner.succeed('POST', `/api/traces/${traceId}/conversation`, { projectId })).body)
    expect(opened).toMatchObject({ projectId, model: 'demo', systemPrompt: 'Be brief.', title: '<b>Where do bitterns live?</b>', costNanoUsd: '0' })
    const thread = MessagePage.parse((await owner.succeed('GET', `/api/conversations/${opened.id}/messages`)).body).messages
    expect(thread.map(({ role, status, parts }) => [role, status, parts[0]?.type === 'text' ? parts[0].text : ''])).toEqual([
      ['user', 'complete', '<b>Where do bitterns live?</b>'], ['assistant', 'complete', 'In reeds.'], ['user', 'complete', 'And egrets?'], ['assistant', 'complete', expect.stringMatching(/./)]
    ])
    await owner.succeed('POST', `/api/conversations/${opened.id}/messages`, { text: 'Thank you' })
    expect(await audited('trace.open')).toMatchObject([{ target: `trace:${traceId}`, after: { conversationId: opened.id, projectId } }])
  })

  test('is for who may see its bodies, in projects of their org, and only where something was said', async () => {
    const [[id = ''], [refused = ''], projectId] = [await ids('?status=200'), await ids('?status=404'), await project(owner)]
    expect(await viewer.call('POST', `/api/traces/${id}/conversation`, { projectId })).toMatchObject({ status: 403 })
    expect(await outsider.call('POST', `/api/traces/${id}/conversation`, { projectId: await project(outsider) })).toMatchObject({ status: 404 })
    expect(await owner.call('POST', `/api/traces/${id}/conversation`, { projectId: await project(outsider) })).toMatchObject({ status: 404 })
    expect(await owner.call('POST', `/api/traces/${id}/conversation`, {})).toMatchObject({ status: 400 })
    const asked = await owner.call('POST', `/api/traces/${refused}/conversation`, { projectId })
    expect(asked.status, 'what was asked of a call that failed can be gone on with').toBe(201)
    await new Visitor(loom, { authorization: `Bearer ${key.key}` }).call('POST', '/v1/rerank', { model: 'none', query: 'which', documents: ['nothing is said here'] })
    await until(async () => (await list('?limit=1')).items[0]?.endpoint !== 'chat.completions')
    expect(await owner.call('POST', `/api/traces/${(await ids('?limit=1'))[0]}/conversation`, { projectId })).toMatchObject({ status: 400 })
  })
})

describe('text in bodies', () => {
  const search = (text: string, visitor = owner) => visitor.call('GET', `/api/traces/search?text=${encodeURIComponent(text)}`)

  test('is found whatever its case or quotes, in the org\'s own bodies alone', async () => {
    expect(TraceSearchPage.parse((await search('HERONS')).body)).toMatchObject({ items: [{ statusCode: 200 }], nextCursor: null })
    expect(TraceSearchPage.parse((await search('a second "quoted"')).body).items).toHaveLength(1)
    expect(TraceSearchPage.parse((await search('somebody else')).body).items).toEqual([])
  })

  test('is looked for in so many bytes at a time, and the cursor goes on to the others', async () => {
    const heavy = await signUp(owner, 'heavy@example.com')
    // Of a call that is refused for want of money, so large a body is not kept.
    const { id } = z.object({ id: z.string() }).parse((await heavy.succeed('GET', '/api/orgs/current')).body)
    await owner.succeed('PATCH', `/api/platform/orgs/${id}/wallet`, { mode: 'unlimited' })
    const secret = Key.parse((await heavy.succeed('POST', '/api/keys', { name: 'heavy', scopes: ['inference'] })).body).key
    for (let call = 0; call < 9; call++) await ask(secret, 'demo', `${call === 0 ? 'a cormorant' : 'nothing'} ${'a'.repeat(9_000_000)}`)
    await until(async () => (await list('', heavy)).items.length === 9)
    const found: string[] = []
    const looks: number[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: z.infer<typeof TraceSearchPage> = TraceSearchPage.parse((await heavy.succeed('GET', `/api/traces/search?text=cormorant${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)).body)
      found.push(...page.items.map(({ id }) => id))
      looks.push(page.searched)
      cursor = page.nextCursor
    }
    expect(found).toEqual([(await list('', heavy)).items.at(-1)?.id])
    expect(looks.length).toBeGreaterThan(1)
    expect(looks.reduce((sum, searched) => sum + searched, 0)).toBe(9)
  })

  test('is not for viewers, and each search is in the audit log', async () => {
    const before = await audited('trace.search')
    expect(await search('herons', viewer)).toMatchObject({ status: 403 })
    await search('HERONS')
    const [entry, ...earlier] = await audited('trace.search')
    expect(entry).toMatchObject({ actorName: admin.name, after: { text: 'HERONS' } })
    expect(earlier).toEqual(before)
  })
})

describe('an export', () => {
  test('as CSV holds every trace, and no formula', async () => {
    const { body } = await owner.succeed('GET', '/api/traces/export?format=csv')
    const lines = String(body).trimEnd().split('\r\n')
    expect(lines).toHaveLength((await ids('')).length + 1)
    expect(lines[0]).toContain('id,createdAt,')
    expect(String(body)).toContain('"\'=HYPERLINK(""http://evil.example"",""click"")"')
    expect(String(body)).not.toMatch(/(^|,)"?[=+@]/m)
  })

  test('as JSON lines is narrowed by the same filters', async () => {
    const { body } = await owner.succeed('GET', '/api/traces/export?format=jsonl&status=error&model=' + encodeURIComponent(FORMULA))
    expect(body).toMatchObject({ model: FORMULA, statusCode: 404, costUsd: '0' })
    expect(await owner.call('GET', '/api/traces/export?format=xml')).toMatchObject({ status: 400 })
  })
})

describe('saved views', () => {
  test('are their owner\'s, one of a name, and can be deleted', async () => {
    await owner.succeed('POST', '/api/traces/views', { name: 'Failed <b>', query: 'status=error' })
    const view = SavedView.parse((await owner.succeed('POST', '/api/traces/views', { name: 'Failed <b>', query: 'status=404' })).body)
    expect(SavedViews.parse((await owner.succeed('GET', '/api/traces/views')).body).views).toEqual([view])
    expect(SavedViews.parse((await viewer.succeed('GET', '/api/traces/views')).body).views).toEqual([])
    expect(await viewer.call('DELETE', `/api/traces/views/${view.id}`)).toMatchObject({ status: 404 })
    await owner.succeed('DELETE', `/api/traces/views/${view.id}`)
    expect(await owner.call('POST', '/api/traces/views', { name: '', query: '' })).toMatchObject({ status: 400 })
  })
})

test('the analytics of a key are those of its org, and need its scope', async () => {
  const summary = AnalyticsSummary.parse((await new Visitor(loom, { authorization: `Bearer ${outsiderKey}` }).succeed('GET', '/v1/analytics/summary?window=24h')).body)
  // A new org has no money: its calls were refused, and count.
  expect(summary).toMatchObject({ totalRequests: 3, failedRequests: 3, previous: { totalRequests: 0 } })
  const mine = AnalyticsSummary.parse((await owner.succeed('GET', '/api/analytics/summary?window=24h&status=error')).body)
  expect(mine.totalRequests).toBeGreaterThan(0)
  expect(mine.failedRequests).toBe(mine.totalRequests)
})

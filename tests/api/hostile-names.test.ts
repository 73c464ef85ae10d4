import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoomServer } from '../support/loom-server'
import { startLoom } from '../support/start-loom'
import type { Visitor } from '../support/visitor'
import { setUp } from '../support/visitor'

let loom: LoomServer
let owner: Visitor
let orgId: string
let connectionId: string
beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
  orgId = String(Object((await owner.succeed('GET', '/api/orgs/current')).body).id)
  connectionId = String(Object((await owner.succeed('POST', '/api/connections', { kind: 'demo', name: 'walked' })).body).id)
})
afterAll(() => loom?.remove())

const names = ['<script>alert(1)</script>', '=HYPERLINK("http://evil")', '\u202Egnirts', '\u05E9\u05DC\u05D5\u05DD', '\u{1F469}\u200D\u{1F680}', 'null\0byte', 'half \uD83D surrogate', '\'; drop table orgs; --']
/** Everything here that people name, with how its name is sent and read back. */
const things: Record<string, (name: string) => { path: string, body: object }> = {
  'a key': name => ({ path: '/api/keys', body: { name, allowedModels: [name] } }),
  'a project': name => ({ path: '/api/projects', body: { name } }),
  'a route\'s description': description => ({ path: '/api/models/routes', body: { alias: `r-${Math.random().toString(36).slice(2)}`, description, targets: [{ connectionId, upstreamModel: description }] } }),
  'a price\'s model': model => ({ path: '/api/models/prices', body: { providerKind: 'demo', model, inputNanoUsd: '1', outputNanoUsd: '1' } }),
  'a posting': description => ({ path: `/api/platform/orgs/${orgId}/funds`, body: { amountUsd: '1', refId: `${description}-${Math.random()}`, description } }),
  'an alert rule': name => ({ path: '/api/alerts/rules', body: { name, condition: { kind: 'circuit' } } }),
  'a webhook': name => ({ path: '/api/alerts/webhooks', body: { name, url: 'https://example.com' } })
}

for (const [what, make] of Object.entries(things)) {
  test(`${what} takes any text as text, and refuses 10,000 characters of it`, async () => {
    for (const name of names) {
      const { path, body } = make(name)
      const { status } = await owner.call('POST', path, body)
      expect(status, JSON.stringify(name)).toBeLessThan(300)
    }
    const { path, body } = make('x'.repeat(10_000))
    expect((await owner.call('POST', path, body)).status).toBe(400)
  })
}

test('in a statement\'s CSV no name is a formula', async () => {
  const month = new Date().toISOString().slice(0, 7)
  const csv = String((await owner.succeed('GET', `/api/statements/${month}?format=csv`)).body)
  expect(csv.split('\n').flatMap(line => line.split(',')).filter(cell => /^"?[=+@]/.test(cell))).toEqual([])
})

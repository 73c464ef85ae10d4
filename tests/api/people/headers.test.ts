import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreatedApiKey } from '../../../shared/keys'
import type { LoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'
import { PASSWORD, setUp, Visitor } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

const pages = ['/login', '/projects', '/dashboard', '/dashboard/audit', '/dashboard/settings', '/dashboard/platform', '/no/such/page']
const apis = ['/api/session', '/api/audit', '/api/audit/export?format=csv', '/api/keys', '/api/no-such-thing', '/health']

test.each([...pages, ...apis])('%s cannot be framed, nor taken for another type', async (path) => {
  const { headers } = await owner.call('GET', path, undefined, { accept: 'text/html' })
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('content-security-policy')).toContain('frame-ancestors \'none\'')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('x-powered-by')).toBeNull()
})

test.each(pages)('%s runs no script but its own, and sends its forms nowhere else', async (path) => {
  const answer = await owner.call('GET', path, undefined, { accept: 'text/html' })
  const policy = answer.headers.get('content-security-policy') ?? ''
  const [, nonce] = /script-src 'nonce-([^']+)' 'strict-dynamic'(?:;|$)/.exec(policy) ?? []
  expect(nonce).toBeTruthy()
  for (const directive of ['default-src \'self\'', 'script-src-attr \'none\'', 'object-src \'none\'', 'base-uri \'none\'', 'form-action \'self\'']) expect(policy).toContain(directive)
  const html = String(answer.body)
  for (const [tag] of html.matchAll(/<script\b[^>]*>/g)) expect(tag).toContain(`nonce="${nonce}"`)
  expect(html).not.toMatch(/\son(?:click|load|error)=/i)
})

test('a nonce is good for one answer alone', async () => {
  const nonces = await Promise.all([1, 2, 3].map(async () => /nonce-([^']+)/.exec((await owner.call('GET', '/login')).headers.get('content-security-policy') ?? '')?.[1]))
  expect(new Set(nonces).size).toBe(3)
})

test('an API key changes nobody\'s way in, nor stands for who does', async () => {
  const { key } = CreatedApiKey.parse((await owner.succeed('POST', '/api/keys', { name: 'scripts', scopes: ['workspace'] })).body)
  const sent: Record<string, string>[] = [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }]
  for (const headers of sent) {
    expect(await owner.call('POST', '/api/auth/change-password', { currentPassword: PASSWORD, newPassword: 'chosen by a script' }, headers)).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('API key') } } })
  }
  expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'ada@example.com', password: PASSWORD })).status).toBe(200)
})

test('another site changes nobody\'s way in: what signs in, out or changes a password is refused from elsewhere', async () => {
  const calls: [string, unknown][] = [
    ['sign-out', {}], ['change-password', { currentPassword: PASSWORD, newPassword: 'chosen by somebody else' }], ['two-factor/enable', { password: PASSWORD }],
    ['two-factor/disable', { password: PASSWORD }], ['unlink-account', { providerId: 'credential' }], ['sign-in/email', { email: 'ada@example.com', password: PASSWORD }]
  ]
  const elsewhere: Record<string, string>[] = [{ origin: 'https://evil.example' }, { 'origin': 'null', 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site', 'origin': 'https://other.example' }]
  for (const [path, body] of calls) {
    for (const headers of elsewhere) {
      expect((await owner.call('POST', `/api/auth/${path}`, body, headers)).status, path).toBe(403)
      expect((await owner.call('POST', `/api/auth/${path}`, JSON.stringify(body), { ...headers, 'content-type': 'text/plain' })).status, path).toBe(403)
    }
  }
  expect((await owner.call('GET', '/api/projects')).status).toBe(200)
  expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'ada@example.com', password: PASSWORD })).status).toBe(200)
})

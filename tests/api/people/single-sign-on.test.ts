import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ChangedMeanwhile } from '../../../shared/errors'
import { SsoDetails, SsoStart } from '../../../shared/sso'
import { freePort } from '../../support/free-port'
import type { IdentityProvider, Person } from '../../support/identity-provider'
import { signInAtProvider, startIdentityProvider } from '../../support/identity-provider'
import type { LoomServer } from '../../support/loom-server'
import { admin } from '../../support/set-up-loom'
import { startLoom } from '../../support/start-loom'
import { join, PASSWORD, setUp, signInAs, Visitor } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
let idp: IdentityProvider
let orgId: string

const Session = z.object({ user: z.object({ id: z.string(), name: z.string(), email: z.string() }).nullable(), role: z.string().nullable(), ssoName: z.string().nullable(), org: z.object({ id: z.string() }).nullable(), platformAdmin: z.boolean() })
const session = async (visitor: Visitor) => Session.parse((await visitor.succeed('GET', '/api/session')).body)

beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
  idp = await startIdentityProvider(loom.url)
  orgId = (await session(owner)).org?.id ?? ''
  await configure({})
})
afterAll(async () => {
  await idp.stop()
  await loom.remove()
})

const settings = () => ({ name: 'Example Login', issuer: idp.issuer, clientId: idp.clientId, clientSecret: idp.clientSecret, allowedDomains: ['example.com'], defaultOrgId: orgId, defaultRole: 'member' })
const configure = (change: object) => owner.succeed('PUT', '/api/platform/sso', { ...settings(), ...change })

/** From the button to wherever Loom sends the browser in the end. */
async function signIn(visitor: Visitor, subject: string, person: Person, body: object = {}): Promise<string> {
  idp.signInAs(subject, person)
  const { url } = SsoStart.parse((await visitor.succeed('POST', '/api/session/sso', body)).body)
  const back = await signInAtProvider(url, loom.url)
  const answer = await visitor.call('GET', back.slice(loom.url.length))
  return answer.headers.get('location') ?? `no redirect, but ${answer.status}`
}

const person = (name: string): Person => ({ email: `${name.toLowerCase()}@example.com`, email_verified: true, name })

describe('single sign-on', () => {
  test('lets a newcomer of an allowed domain into the default org, with the default role, and again later as the same user', async () => {
    const visitor = new Visitor(loom)
    expect((await session(visitor)).ssoName).toBe('Example Login')
    expect(await signIn(visitor, 'sub-1', person('Grace'), { next: '/dashboard?a=1' })).toBe('/dashboard?a=1')
    const first = await session(visitor)
    expect(first).toMatchObject({ user: { name: 'Grace', email: 'grace@example.com' }, role: 'member', org: { id: orgId }, platformAdmin: false })
    const later = new Visitor(loom)
    await signIn(later, 'sub-1', person('Grace'))
    expect((await session(later)).user?.id).toBe(first.user?.id)
  })

  test('refuses other domains, and addresses the provider has not verified', async () => {
    for (const [subject, stranger, reason] of [
      ['sub-2', { ...person('Eve'), email: 'eve@evil.example' }, 'domain_not_allowed'],
      ['sub-3', { ...person('Mallory'), email: 'mallory@example.com.evil.example' }, 'domain_not_allowed'],
      ['sub-4', { ...person('Trudy'), email_verified: false }, 'email_not_verified']
    ] as const) {
      const visitor = new Visitor(loom)
      expect(await signIn(visitor, subject, stranger)).toMatch(new RegExp(`^/login\\?error=${reason}`))
      expect((await session(visitor)).user).toBeNull()
    }
  })

  test('does not hand over an account that has the same address: its owner connects it, signed in', async () => {
    const visitor = await join(owner, 'linus@example.com', 'admin')
    const thief = new Visitor(loom)
    expect(await signIn(thief, 'sub-5', person('Linus'))).toMatch(/^\/login\?error=account_not_linked/)
    expect((await session(thief)).user).toBeNull()

    expect(await signIn(visitor, 'sub-5', person('Linus'), { link: true, next: '/dashboard/settings' })).toBe('/dashboard/settings')
    expect((await visitor.succeed('GET', '/api/session/account')).body).toMatchObject({ hasPassword: true, hasSso: true })
    const later = new Visitor(loom)
    await signIn(later, 'sub-5', person('Linus'))
    expect((await session(later)).user?.id).toBe((await session(visitor)).user?.id)
  })

  test('connects nobody else\'s address, and nobody who is not signed in', async () => {
    const visitor = await join(owner, 'dennis@example.com', 'member')
    expect(await signIn(visitor, 'sub-6', person('Somebody'), { link: true, next: '/dashboard' })).toContain('error=')
    expect((await visitor.succeed('GET', '/api/session/account')).body).toMatchObject({ hasSso: false })
    expect((await new Visitor(loom).call('POST', '/api/session/sso', { link: true })).status).toBe(401)
  })

  test('accepts no answer of the provider that another browser asked for, nor one twice', async () => {
    const [asker, other] = [new Visitor(loom), new Visitor(loom)]
    idp.signInAs('sub-7', person('Ken'))
    const { url } = SsoStart.parse((await asker.succeed('POST', '/api/session/sso', {})).body)
    const back = (await signInAtProvider(url, loom.url)).slice(loom.url.length)
    for (const visitor of [other, asker, asker]) await visitor.call('GET', back)
    expect((await session(other)).user).toBeNull()
    expect((await other.call('GET', '/api/auth/callback/sso?code=x&state=y')).headers.get('location')).toContain('error')
  })

  test('leads back to pages of this app only', async () => {
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      expect((await new Visitor(loom).call('POST', '/api/session/sso', { next })).status).toBe(400)
    }
  })

  test('follows its settings at once; the secret is told to nobody and stays with its provider', async () => {
    const { body } = await owner.succeed('GET', '/api/platform/sso')
    expect(SsoDetails.parse(body)).toMatchObject({ sso: { source: 'settings', issuer: idp.issuer }, redirectUri: `${loom.url}/api/auth/callback/sso` })
    expect(JSON.stringify(body)).not.toContain(idp.clientSecret)
    await configure({ clientSecret: undefined, allowedDomains: ['other.example'] })
    expect(await signIn(new Visitor(loom), 'sub-1', person('Grace'))).toContain('error=domain_not_allowed')
    expect((await owner.call('PUT', '/api/platform/sso', { ...settings(), clientSecret: undefined, issuer: `${idp.issuer}/` })))
      .toMatchObject({ status: 400, body: { error: { message: 'Enter the client secret of this provider.', param: 'clientSecret' } } })
    await configure({})
    expect(await signIn(new Visitor(loom), 'sub-1', person('Grace'))).toBe('/projects')
    expect(loom.logs()).not.toContain(idp.clientSecret)
  })

  test('is not set up with an address where no provider answers as one', async () => {
    const before = (await owner.succeed('GET', '/api/platform/sso')).body
    for (const [issuer, reason] of [
      [`http://127.0.0.1:${await freePort()}`, 'does not answer'],
      [`${idp.issuer}/elsewhere`, 'status 404'],
      [`${loom.url}/v1/openapi.json?`, 'does not name its issuer']
    ] as const) {
      expect(await owner.call('PUT', '/api/platform/sso', { ...settings(), issuer })).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining(reason), param: 'issuer' } } })
    }
    expect((await owner.succeed('GET', '/api/platform/sso')).body).toEqual(before)
  })

  test('set up by two who saw the same, the later is told what the other has set, and no secret', async () => {
    const { version } = SsoDetails.parse((await owner.succeed('GET', '/api/platform/sso')).body)
    const set = (change: object, seen: string) => owner.call('PUT', '/api/platform/sso', { ...settings(), ...change }, { 'if-match': `"${seen}"` })
    expect((await set({ allowedDomains: ['example.com', 'example.org'] }, version)).status).toBe(200)
    const refused = await set({ name: 'Mine' }, version)
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'conflict', details: { changedBy: 'Ada', current: { name: 'Example Login', allowedDomains: ['example.com', 'example.org'] } } } } })
    const details = ChangedMeanwhile.parse(z.object({ error: z.object({ details: z.unknown() }) }).parse(refused.body).error.details)
    expect(Object.keys(details.current).sort()).toEqual(['allowedDomains', 'clientId', 'defaultOrgId', 'defaultRole', 'issuer', 'name'])
    expect((await set({}, details.version)).status).toBe(200)
    expect(SsoDetails.parse((await owner.succeed('GET', '/api/platform/sso')).body).version).toBe(version)
    // Nor is it taken away by who saw what it was for a while.
    expect(await owner.call('DELETE', '/api/platform/sso', undefined, { 'if-match': `"${details.version}"` })).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } })
  })

  test('while the provider is away it says so, and passwords go on working', async () => {
    const other = await startIdentityProvider(loom.url)
    await configure({ issuer: other.issuer })
    await other.stop()
    expect(await new Visitor(loom).call('POST', '/api/session/sso', {})).toMatchObject({ status: 503, body: { error: { message: expect.stringContaining('does not answer') } } })
    // Who is let in can be narrowed all the same.
    await configure({ issuer: other.issuer, allowedDomains: ['other.example'] })
    await signInAs(loom, admin.email, admin.password)
    await configure({})
    expect(await signIn(new Visitor(loom), 'sub-1', person('Grace'))).toBe('/projects')
  })

  test('taken away, the button goes, and whoever came by it is signed in still', async () => {
    const visitor = new Visitor(loom)
    await signIn(visitor, 'sub-1', person('Grace'))
    await owner.succeed('DELETE', '/api/platform/sso')
    expect((await session(visitor))).toMatchObject({ user: { name: 'Grace' }, ssoName: null })
    expect((await new Visitor(loom).call('POST', '/api/session/sso', {})).status).toBe(404)
    await configure({})
  })
})

test('OIDC_… offers single sign-on from the start; before the first administrator it lets nobody in', async () => {
  const other = await startLoom({ env: { OIDC_ISSUER: idp.issuer, OIDC_CLIENT_ID: idp.clientId, OIDC_CLIENT_SECRET: idp.clientSecret, OIDC_NAME: 'From the environment' } })
  try {
    expect((await session(new Visitor(other))).ssoName).toBeNull()
    expect((await new Visitor(other).call('POST', '/api/session/sso', {})).status).toBe(403)
    const administrator = await setUp(other)
    expect((await session(new Visitor(other))).ssoName).toBe('From the environment')
    expect((await administrator.succeed('GET', '/api/platform/sso')).body).toMatchObject({ sso: { source: 'environment', clientId: idp.clientId } })
    const { url } = SsoStart.parse((await new Visitor(other).succeed('POST', '/api/session/sso', {})).body)
    expect(new URL(url)).toMatchObject({ origin: idp.issuer })
    expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256')
  } finally {
    await other.remove()
  }
})

test('a password of an account that came by single sign-on is not guessed into being', async () => {
  expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'grace@example.com', password: PASSWORD })).status).toBe(401)
})

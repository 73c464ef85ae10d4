import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { LoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'
import { totp } from '../../support/totp'
import { join, PASSWORD, setUp, signInAs, Visitor } from '../../support/visitor'

const Enrolled = z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) })

let loom: LoomServer
let owner: Visitor
beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

/** Somebody who signs in with a code from now on. */
async function enrol(email: string) {
  const visitor = await join(owner, email, 'member')
  const enrolled = Enrolled.parse((await visitor.succeed('POST', '/api/auth/two-factor/enable', { password: PASSWORD })).body)
  await visitor.succeed('POST', '/api/auth/two-factor/verify-totp', { code: totp(enrolled.totpURI) })
  return { visitor, ...enrolled }
}

/** Past the password, before the code. */
async function begin(email: string): Promise<Visitor> {
  const visitor = new Visitor(loom)
  const { body } = await visitor.succeed('POST', '/api/auth/sign-in/email', { email, password: PASSWORD })
  expect(body).toMatchObject({ twoFactorRedirect: true })
  return visitor
}

const isIn = async (visitor: Visitor) => (await visitor.call('GET', '/api/projects')).status === 200
const wrong = (code: string) => code === '000000' ? '111111' : '000000'

describe('a second factor', () => {
  test('is asked for after the password; without it nobody is in', async () => {
    const { totpURI } = await enrol('careful@example.com')
    const visitor = await begin('careful@example.com')
    expect(await isIn(visitor)).toBe(false)
    const code = totp(totpURI)
    expect((await visitor.call('POST', '/api/auth/two-factor/verify-totp', { code: wrong(code) })).status).toBe(401)
    expect(await isIn(visitor)).toBe(false)
    await visitor.succeed('POST', '/api/auth/two-factor/verify-totp', { code })
    expect(await isIn(visitor)).toBe(true)
  })

  test('is not on before a first code has proved that the authenticator works', async () => {
    const visitor = await join(owner, 'half-way@example.com', 'member')
    await visitor.succeed('POST', '/api/auth/two-factor/enable', { password: PASSWORD })
    expect(await isIn(await signInAs(loom, 'half-way@example.com'))).toBe(true)
  })

  test('needs the password to be turned on and off', async () => {
    const { visitor } = await enrol('borrowed-laptop@example.com')
    for (const path of ['enable', 'disable', 'generate-backup-codes']) expect((await visitor.call('POST', `/api/auth/two-factor/${path}`, { password: 'not the password' })).status).toBe(400)
    await visitor.succeed('POST', '/api/auth/two-factor/disable', { password: PASSWORD })
    expect(await isIn(await signInAs(loom, 'borrowed-laptop@example.com'))).toBe(true)
  })

  test('can be replaced by each backup code once', async () => {
    const { backupCodes } = await enrol('lost-phone@example.com')
    const [code = ''] = backupCodes
    const [first, second] = [await begin('lost-phone@example.com'), await begin('lost-phone@example.com')]
    await first.succeed('POST', '/api/auth/two-factor/verify-backup-code', { code })
    expect(await isIn(first)).toBe(true)
    expect((await second.call('POST', '/api/auth/two-factor/verify-backup-code', { code })).status).toBe(401)
    expect(await isIn(second)).toBe(false)
  })

  test('cannot be guessed: after a few wrong codes even the right one is refused', async () => {
    const { totpURI } = await enrol('guessed@example.com')
    const visitor = await begin('guessed@example.com')
    for (let guess = 0; guess < 5; guess++) expect((await visitor.call('POST', '/api/auth/two-factor/verify-totp', { code: wrong(totp(totpURI)) })).status).toBe(401)
    expect((await visitor.call('POST', '/api/auth/two-factor/verify-totp', { code: totp(totpURI) })).status).toBeGreaterThanOrEqual(400)
    expect(await isIn(visitor)).toBe(false)
  })

  test('is told to the org\'s admins, and its secret to nobody', async () => {
    await enrol('listed@example.com')
    const members = JSON.stringify((await owner.succeed('GET', '/api/orgs/current/members')).body)
    expect(members).toContain('"twoFactor":true')
    expect(members).not.toMatch(/secret|backup/i)
  })
})

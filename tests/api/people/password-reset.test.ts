import { hashPassword } from 'better-auth/crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AuditPage } from '../../../shared/audit'
import type { SessionInfo } from '../../../shared/identity'
import { ResetLink } from '../../../shared/identity'
import { PlatformUserPage } from '../../../shared/platform'
import { testDatabaseKind } from '../../support/database'
import { signInAtProvider, startIdentityProvider } from '../../support/identity-provider'
import type { LoomServer } from '../../support/loom-server'
import type { SmtpReceiver } from '../../support/smtp-receiver'
import { startSmtpReceiver } from '../../support/smtp-receiver'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'
import { join, PASSWORD, setUp, signInAs, Visitor } from '../../support/visitor'

const NEW_PASSWORD = 'a wholly different one'

const session = async (visitor: Visitor) => z.custom<SessionInfo>().parse((await visitor.succeed('GET', '/api/session')).body)
const userOf = async (owner: Visitor, email: string) => PlatformUserPage.parse((await owner.succeed('GET', '/api/platform/users')).body).items.find(user => user.email === email)
const signIn = (loom: LoomServer, email: string, password: string) => new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email, password })
const ask = (loom: LoomServer, email: string) => new Visitor(loom).call('POST', '/api/session/password/forgotten', { email })
const reset = (loom: LoomServer, token: string, password = NEW_PASSWORD) => new Visitor(loom).call('PUT', '/api/session/password', { token, password })
/** As mail clients undo it: long lines are broken on the way. */
const undoBreaks = (text: string) => text.replaceAll('=\n', '').replaceAll('=3D', '=')
const tokenIn = (text: string) => /\/reset-password\?token=([\w-]+)/.exec(undoBreaks(text))?.[1] ?? ''
const notValid = { status: 404, body: { error: { code: 'not_found', message: expect.stringContaining('not valid any more') } } }

describe('whoever has forgotten their password', () => {
  let loom: LoomServer
  let owner: Visitor
  let smtp: SmtpReceiver
  beforeAll(async () => {
    smtp = await startSmtpReceiver()
    loom = await startLoom({ env: { SMTP_URL: smtp.url } })
    owner = await setUp(loom)
  })
  afterAll(async () => {
    await loom?.remove()
    await smtp?.stop()
  })

  const mailsTo = (email: string) => smtp.received.filter(({ to }) => to.includes(email))
  /** The token in the newest mail, once one more has come. */
  async function mailed(email: string): Promise<string> {
    const before = mailsTo(email).length
    expect(await ask(loom, email)).toMatchObject({ status: 202, body: {} })
    await until(() => mailsTo(email).length > before, { what: () => `a mail to ${email}` })
    return tokenIn(mailsTo(email).at(-1)?.text ?? '')
  }

  test('is mailed a link to set a new one, which ends their sessions and stands in the audit log', async () => {
    const email = 'forgetful@example.com'
    const before = await join(owner, email, 'member')
    expect(await session(new Visitor(loom))).toMatchObject({ mailsResetLinks: true })
    const token = await mailed(email)
    expect(undoBreaks(mailsTo(email).at(-1)?.text ?? '')).toContain(`\n${loom.url}/reset-password?token=${token}\n`)
    expect((await session(before)).user).not.toBeNull()
    expect((await reset(loom, token)).status).toBe(204)
    expect((await session(before)).user).toBeNull()
    expect((await signIn(loom, email, PASSWORD)).status).toBe(401)
    const after = await signInAs(loom, email, NEW_PASSWORD)
    const { user } = await session(after)
    const { items } = AuditPage.parse((await owner.succeed('GET', '/api/audit?action=user.reset_password')).body)
    expect(items).toMatchObject([{ action: 'user.reset_password', target: `user:${user?.id}`, actor: `user:${user?.id}` }])
  })

  test('sets it once by a link, of two at once too', async () => {
    await join(owner, 'once@example.com', 'member')
    const token = await mailed('once@example.com')
    const answers = await Promise.all(['the first of two', 'the second of two'].map(password => reset(loom, token, password)))
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404])
    expect(await reset(loom, token)).toMatchObject(notValid)
  })

  test('uses the newest link alone, and none once the password was changed', async () => {
    const visitor = await join(owner, 'newest@example.com', 'member')
    const first = await mailed('newest@example.com')
    const second = await mailed('newest@example.com')
    expect(await reset(loom, first)).toMatchObject(notValid)
    await visitor.succeed('POST', '/api/auth/change-password', { currentPassword: PASSWORD, newPassword: 'known to me alone' })
    expect(await reset(loom, second)).toMatchObject(notValid)
    expect((await signIn(loom, 'newest@example.com', 'known to me alone')).status).toBe(200)
  })

  test.runIf(testDatabaseKind === 'postgres')('has no link any more by the time that another password counts, and still has it where the present one was not known', async () => {
    const email = 'changing@example.com'
    const visitor = await join(owner, email, 'member')
    await mailed(email)
    const sql = postgres(loom.env.DATABASE_URL ?? '', { max: 2 })
    const links = async () => (await sql`select 1 from auth_verifications join users on users.id::text = value where email = ${email}`).length
    expect((await visitor.call('POST', '/api/auth/change-password', { currentPassword: 'guessed', newPassword: NEW_PASSWORD })).status).toBe(400)
    expect(await links()).toBe(1)
    const isWaiting = async () => (await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'update "accounts"%'`).length > 0
    let changing: ReturnType<typeof visitor.call> | undefined
    await sql.begin(async (transaction) => {
      await transaction`select from accounts a join users u on u.id = a.user_id where u.email = ${email} for update of a`
      changing = visitor.call('POST', '/api/auth/change-password', { currentPassword: PASSWORD, newPassword: NEW_PASSWORD })
      await until(isWaiting, { what: () => 'the password to be about to change' })
      expect(await links()).toBe(0)
    })
    expect((await changing)?.status).toBe(200)
    await sql.end()
  })

  test('keeps the link where the new password is too short, and nobody else’s password is set by it', async () => {
    await join(owner, 'short@example.com', 'member')
    const token = await mailed('short@example.com')
    expect((await reset(loom, token, 'short')).status).toBe(400)
    expect(await reset(loom, `${token}x`)).toMatchObject(notValid)
    expect((await reset(loom, token)).status).toBe(204)
    expect((await signIn(loom, 'ada@example.com', NEW_PASSWORD)).status).toBe(401)
  })

  test.runIf(testDatabaseKind === 'postgres')('has an hour', async () => {
    await join(owner, 'late@example.com', 'member')
    const token = await mailed('late@example.com')
    const sql = postgres(loom.env.DATABASE_URL ?? '', { max: 1 })
    const [row] = await sql`select extract(epoch from expires_at - now()) as seconds from auth_verifications join users on users.id::text = value where email = 'late@example.com'`
    expect(Number(row?.seconds)).toBeGreaterThan(3_500)
    expect(Number(row?.seconds)).toBeLessThanOrEqual(3_600)
    expect(await sql`select 1 from auth_verifications where strpos(identifier || value, ${token}) > 0`).toEqual([])
    await sql`update auth_verifications set expires_at = now() - interval '1 second' from users where users.id::text = value and email = 'late@example.com'`
    await sql.end()
    expect(await reset(loom, token)).toMatchObject(notValid)
    expect((await signIn(loom, 'late@example.com', PASSWORD)).status).toBe(200)
  })

  test.runIf(testDatabaseKind === 'postgres')('is not signed in by the old password any more, though its check began before', async () => {
    const email = 'raced@example.com'
    const hash = await hashPassword(NEW_PASSWORD)
    await join(owner, email, 'member')
    const sql = postgres(loom.env.DATABASE_URL ?? '', { max: 2 })
    const isWaiting = async () => (await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%auth_sessions%'`).length > 0
    let signingIn: ReturnType<typeof signIn> | undefined
    await sql.begin(async (transaction) => {
      // Whoever makes a session waits for its user.
      await transaction`select from users where email = ${email} for update`
      signingIn = signIn(loom, email, PASSWORD)
      await until(isWaiting, { what: () => 'the password to have been checked' })
      await transaction`update accounts set password = ${hash}, updated_at = now() from users u where accounts.user_id = u.id and u.email = ${email}`
    })
    expect(await signingIn).toMatchObject({ status: 401 })
    // The one they joined by.
    expect(await sql`select 1 from auth_sessions s join users u on u.id = s.user_id where u.email = ${email}`).toHaveLength(1)
    await sql.end()
  })

  test('is answered alike where nobody has the address, they are deactivated, or sign in by a provider alone: none of them gets a mail', async () => {
    const idp = await startIdentityProvider(loom.url)
    await owner.succeed('PUT', '/api/platform/sso', { name: 'Example', issuer: idp.issuer, clientId: idp.clientId, clientSecret: idp.clientSecret, allowedDomains: ['example.com'], defaultOrgId: null, defaultRole: 'member' })
    const visitor = new Visitor(loom)
    idp.signInAs('sub', { email: 'sso@example.com', email_verified: true, name: 'Sso' })
    const { url } = z.object({ url: z.string() }).parse((await visitor.succeed('POST', '/api/session/sso', {})).body)
    await visitor.call('GET', (await signInAtProvider(url, loom.url)).slice(loom.url.length))
    expect((await session(visitor)).user).toMatchObject({ email: 'sso@example.com' })
    await idp.stop()
    await join(owner, 'deactivated@example.com', 'member')
    const token = await mailed('deactivated@example.com')
    await owner.succeed('PATCH', `/api/platform/users/${(await userOf(owner, 'deactivated@example.com'))?.id}`, { active: false })
    expect(await reset(loom, token)).toMatchObject(notValid)
    const before = smtp.received.length
    for (const email of ['nobody@example.com', 'sso@example.com', 'deactivated@example.com']) expect(await ask(loom, email)).toMatchObject({ status: 202, body: {} })
    // Asked for later, its mail comes later.
    await join(owner, 'somebody@example.com', 'member')
    await mailed('somebody@example.com')
    expect(smtp.received.slice(before).map(({ to }) => to)).toEqual([['somebody@example.com']])
  })

  test('who was locked out by wrong guesses gets in at once', async () => {
    await join(owner, 'guessed@example.com', 'member')
    const token = await mailed('guessed@example.com')
    for (let guess = 0; guess < 11; guess++) await signIn(loom, 'guessed@example.com', `guess number ${guess}`)
    expect((await signIn(loom, 'guessed@example.com', PASSWORD)).status).toBe(429)
    expect((await reset(loom, token)).status).toBe(204)
    expect((await signIn(loom, 'guessed@example.com', NEW_PASSWORD)).status).toBe(200)
  })

  test('no token is in the log', () => {
    expect(smtp.received.length).toBeGreaterThan(5)
    for (const { text } of smtp.received) expect(loom.logs()).not.toContain(tokenIn(text))
  })
})

describe('links are asked for', () => {
  test('three times an hour of an address, known or not, and twenty in fifteen minutes from one', async () => {
    const smtp = await startSmtpReceiver()
    const loom = await startLoom({ env: { SMTP_URL: smtp.url } })
    try {
      await setUp(loom)
      for (const email of ['ada@example.com', 'nobody@example.com']) {
        for (let asked = 0; asked < 3; asked++) expect((await ask(loom, email)).status).toBe(202)
        const refused = await ask(loom, email)
        expect(refused).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded' } } })
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(15 * 60)
      }
      const statuses = []
      for (let asked = 8; asked < 21; asked++) statuses.push((await ask(loom, `somebody-${asked}@example.com`)).status)
      expect(statuses).toEqual([...Array.from({ length: 12 }, () => 202), 429])
    } finally {
      await loom.remove()
      await smtp.stop()
    }
  })
})

describe('without a mail server', () => {
  let loom: LoomServer
  let owner: Visitor
  beforeAll(async () => {
    loom = await startLoom()
    owner = await setUp(loom)
  })
  afterAll(() => loom?.remove())

  const makeLink = async (email: string) => owner.call('POST', `/api/platform/users/${(await userOf(owner, email))?.id}/reset-link`)

  test('no link is offered, and none mailed', async () => {
    expect(await session(new Visitor(loom))).toMatchObject({ mailsResetLinks: false })
    expect(await ask(loom, 'ada@example.com')).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('mails no links') } } })
  })

  test('a platform admin makes one to hand over, which works once; the audit log tells both', async () => {
    const before = await join(owner, 'helped@example.com', 'member')
    const { status, body } = await makeLink('helped@example.com')
    expect(status).toBe(201)
    const { url } = ResetLink.parse(body)
    expect((await reset(loom, tokenIn(url))).status).toBe(204)
    expect(await reset(loom, tokenIn(url))).toMatchObject(notValid)
    expect((await session(before)).user).toBeNull()
    await signInAs(loom, 'helped@example.com', NEW_PASSWORD)
    const actions = AuditPage.parse((await owner.succeed('GET', '/api/audit')).body).items.map(({ action }) => action)
    expect(actions).toEqual(expect.arrayContaining(['user.create_reset_link', 'user.reset_password']))
    expect(loom.logs()).not.toContain(tokenIn(url))
    expect(JSON.stringify((await owner.succeed('GET', '/api/audit')).body)).not.toContain(tokenIn(url))
  })

  test('who is logged out everywhere has no link left', async () => {
    await join(owner, 'watched@example.com', 'member')
    const { url } = ResetLink.parse((await makeLink('watched@example.com')).body)
    await owner.succeed('DELETE', `/api/platform/users/${(await userOf(owner, 'watched@example.com'))?.id}/sessions`)
    expect(await reset(loom, tokenIn(url))).toMatchObject(notValid)
  })

  test('a platform admin makes none for themselves, for who is deactivated, or does not exist', async () => {
    expect(await makeLink('ada@example.com')).toMatchObject({ status: 409 })
    await join(owner, 'gone@example.com', 'member')
    await owner.succeed('PATCH', `/api/platform/users/${(await userOf(owner, 'gone@example.com'))?.id}`, { active: false })
    expect(await makeLink('gone@example.com')).toMatchObject({ status: 409 })
    expect((await owner.call('POST', `/api/platform/users/${crypto.randomUUID()}/reset-link`)).status).toBe(404)
  })
})

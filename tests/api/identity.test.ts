import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CreatedInvitation, InvitationList, MemberPage, SignedInDevices } from '../../shared/identity'
import type { SessionInfo } from '../../shared/identity'
import { CreatedApiKey } from '../../shared/keys'
import type { LoomServer } from '../support/loom-server'
import { admin } from '../support/set-up-loom'
import { startLoom } from '../support/start-loom'
import { join, PASSWORD, setUp, signInAs, signUp, Visitor } from '../support/visitor'

const WithId = z.object({ id: z.string() })
const WithToken = z.object({ token: z.string() })

async function session(visitor: Visitor): Promise<SessionInfo> {
  const SessionShape = z.custom<SessionInfo>(value => z.object({ orgs: z.array(z.unknown()) }).safeParse(value).success)
  return SessionShape.parse((await visitor.succeed('GET', '/api/session')).body)
}

describe('the first set-up', () => {
  let loom: LoomServer
  beforeAll(async () => {
    loom = await startLoom({ env: { SIGN_UP_OPEN: 'true' } })
  })
  afterAll(() => loom?.remove())

  test('before it nobody signs up, even where sign-up is open, and a made-up token is refused', async () => {
    const visitor = new Visitor(loom)
    expect((await visitor.call('GET', '/api/setup')).body).toEqual({ needed: true })
    expect((await visitor.call('POST', '/api/auth/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD })).status).toBe(403)
    expect((await visitor.call('POST', '/api/setup', { ...admin, token: 'a'.repeat(43) })).status).toBe(403)
    expect((await visitor.call('POST', '/api/setup', { ...admin, token: loom.setupToken, password: 'too short' })).status).toBe(400)
    expect((await visitor.call('GET', '/api/setup')).body).toEqual({ needed: true })
  })

  test('of many visitors racing with the link exactly one becomes the administrator', async () => {
    const racers = Array.from({ length: 6 }, (_, index) => ({ visitor: new Visitor(loom), email: `racer-${index}@example.com` }))
    const answers = await Promise.all(racers.map(({ visitor, email }) => visitor.call('POST', '/api/setup', { ...admin, email, token: loom.setupToken })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    const winner = racers[answers.findIndex(({ status }) => status === 201)]
    expect(winner && await session(winner.visitor)).toMatchObject({ user: { email: winner?.email }, role: 'owner', platformAdmin: true, setupNeeded: false })
    expect((await new Visitor(loom).call('POST', '/api/setup', { ...admin, token: loom.setupToken })).status).toBe(409)
  })
})

test('ADMIN_EMAIL and ADMIN_PASSWORD make the administrator at start, once; a new password logs their other devices out', async () => {
  const loom = await startLoom({ env: { ADMIN_EMAIL: 'Root@Example.com', ADMIN_PASSWORD: PASSWORD } })
  try {
    expect(loom.logs()).not.toContain('/setup?token=')
    const root = await signInAs(loom, 'root@example.com')
    const elsewhere = await signInAs(loom, 'root@example.com')
    await root.succeed('POST', '/api/auth/change-password', { currentPassword: PASSWORD, newPassword: 'another good one' })
    expect((await root.call('GET', '/api/projects')).status).toBe(200)
    expect((await elsewhere.call('GET', '/api/projects')).status).toBe(401)
    await loom.stop()
    await loom.start()
    expect(await session(await signInAs(loom, 'root@example.com', 'another good one'))).toMatchObject({ platformAdmin: true, orgs: [{ role: 'owner' }] })
  } finally {
    await loom.remove()
  }
})

describe('people', () => {
  let loom: LoomServer
  let owner: Visitor
  beforeAll(async () => {
    loom = await startLoom()
    owner = await setUp(loom)
  })
  afterAll(() => loom?.remove())

  test('the session cookie cannot be read by scripts nor sent along by other sites', async () => {
    const answer = await new Visitor(loom).succeed('POST', '/api/auth/sign-in/email', admin)
    expect(answer.headers.getSetCookie().join()).toMatch(/^loom\.session_token=[^;]+;.*HttpOnly; SameSite=Lax$/)
  })

  test('an answer of the sign-in library is in the shape of all others', async () => {
    const answer = await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: admin.email, password: 'wrong password' })
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'unauthenticated', message: expect.any(String) } } })
  })

  test('sign-up is closed until an administrator opens it, and nobody makes themself an administrator', async () => {
    const eve = { name: 'Eve', email: 'eve@example.com', password: PASSWORD }
    expect((await new Visitor(loom).call('POST', '/api/auth/sign-up/email', eve)).status).toBe(403)
    await owner.succeed('PATCH', '/api/platform/settings', { signUpOpen: true })
    await new Visitor(loom).succeed('POST', '/api/auth/sign-up/email', { ...eve, role: 'admin', emailVerified: true, id: '0', activeOrgId: '0' })
    await owner.succeed('PATCH', '/api/platform/settings', { signUpOpen: false })
    const visitor = await signInAs(loom, eve.email)
    expect((await visitor.call('POST', '/api/auth/update-user', { role: 'admin' })).status).toBe(404)
    expect((await visitor.call('PATCH', '/api/session/account', { name: 'Eve', role: 'admin' })).status).toBe(400)
    expect(await session(visitor)).toMatchObject({ platformAdmin: false, role: 'owner', org: { name: 'Eve\'s workspace' }, orgs: [{}] })
    const { projects } = z.object({ projects: z.array(z.object({ name: z.string() })) }).parse((await visitor.succeed('GET', '/api/projects')).body)
    expect(projects).toMatchObject([{ name: 'General' }])
    expect((await visitor.succeed('GET', '/api/wallet')).body).toMatchObject({ mode: 'prepaid', balanceNanoUsd: '0' })
  })

  test('neither sign-up nor sign-in tells whether an address has an account', async () => {
    await owner.succeed('PATCH', '/api/platform/settings', { signUpOpen: true })
    const shapeOf = async (email: string) => {
      const { status, body } = await new Visitor(loom).call('POST', '/api/auth/sign-up/email', { name: 'Ada', email, password: PASSWORD })
      const { user } = z.object({ user: z.record(z.string(), z.unknown()) }).parse(body)
      return { status, user: { ...user, id: '', email: '', createdAt: '', updatedAt: '' } }
    }
    expect(await shapeOf(admin.email)).toEqual(await shapeOf('nobody-yet@example.com'))
    await owner.succeed('PATCH', '/api/platform/settings', { signUpOpen: false })
    const [known, unknown] = [await signInWrongly('nobody-yet@example.com'), await signInWrongly('never@example.com')]
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body])
  })

  const signInWrongly = (email: string) => new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email, password: 'wrong password' })

  test('guessing a password is stopped, also when all guesses come at once and claim to come from everywhere', async () => {
    await join(owner, 'target@example.com', 'viewer')
    const guesses = await Promise.all(Array.from({ length: 15 }, (_, index) => new Visitor(loom, { 'x-forwarded-for': `192.0.2.${index}`, 'x-loom-client-ip': `192.0.2.${index}` })
      .call('POST', '/api/auth/sign-in/email', { email: 'target@example.com', password: `guess number ${index}` })))
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10)
    const refused = guesses.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(5)
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'Target@example.com', password: PASSWORD })).status).toBe(429)
    expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', admin)).status).toBe(200)
  })

  test('a revoked session is refused at once, and the others go on', async () => {
    const email = 'two-devices@example.com'
    const phone = await join(owner, email, 'member')
    const laptop = await signInAs(loom, email)
    const { devices } = SignedInDevices.parse((await laptop.succeed('GET', '/api/session/devices')).body)
    await laptop.succeed('DELETE', `/api/session/devices/${devices.find(({ current }) => !current)?.id}`)
    expect((await phone.call('GET', '/api/projects')).status).toBe(401)
    expect((await laptop.call('GET', '/api/projects')).status).toBe(200)
    await laptop.succeed('POST', '/api/auth/sign-out', {})
    expect((await laptop.call('GET', '/api/projects')).status).toBe(401)
  })

  test('a copy of a signed-out cookie is worth nothing', async () => {
    const visitor = await signInAs(loom, admin.email)
    const { cookie } = visitor
    await visitor.succeed('POST', '/api/auth/sign-out', {})
    expect((await new Visitor(loom).call('GET', '/api/projects', undefined, { cookie })).status).toBe(401)
  })

  test('an invitation lets one in, with its role, and into nothing else', async () => {
    const invited = await invite('once@example.com', 'member')
    expect((await new Visitor(loom).call('GET', `/api/invitations/${invited.token}`)).body).toEqual({ orgName: expect.any(String), email: 'once@example.com', role: 'member' })
    const racers = [new Visitor(loom), new Visitor(loom), new Visitor(loom)]
    const answers = await Promise.all(racers.map(visitor => visitor.call('POST', `/api/invitations/${invited.token}/accept`, { name: 'Once', password: PASSWORD })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404])
    const joined = racers[answers.findIndex(({ status }) => status === 200)]
    expect(joined && await session(joined)).toMatchObject({ role: 'member', platformAdmin: false, orgs: [{ role: 'owner' }, { role: 'member' }] })
    expect((await new Visitor(loom).call('GET', `/api/invitations/${invited.token}`)).status).toBe(404)
  })

  test('an invitation is only for its address, and worthless once taken back or replaced', async () => {
    const other = await join(owner, 'other@example.com', 'viewer')
    const first = await invite('meant@example.com', 'admin')
    expect((await other.call('POST', `/api/invitations/${first.token}/accept`, {})).status).toBe(403)
    const second = await invite('meant@example.com', 'viewer')
    expect((await new Visitor(loom).call('GET', `/api/invitations/${first.token}`)).status).toBe(404)
    await owner.succeed('DELETE', `/api/orgs/current/invitations/${second.id}`)
    expect((await new Visitor(loom).call('POST', `/api/invitations/${second.token}/accept`, { name: 'M', password: PASSWORD })).status).toBe(404)
    const { body } = await owner.succeed('GET', '/api/orgs/current/invitations')
    expect(InvitationList.parse(body).invitations.map(({ email }) => email)).not.toContain('meant@example.com')
    expect(JSON.stringify(body)).not.toContain('token')
  })

  test('somebody with an account joins by signing in, and can switch between their orgs only', async () => {
    const visitor = await signUp(owner, 'joiner@example.com')
    const own = await session(visitor)
    const { token } = await invite('joiner@example.com', 'viewer')
    expect((await new Visitor(loom).call('POST', `/api/invitations/${token}/accept`, { name: 'Thief', password: PASSWORD })).status).toBe(409)
    const { orgId } = z.object({ orgId: z.string() }).parse((await visitor.succeed('POST', `/api/invitations/${token}/accept`, {})).body)
    await visitor.succeed('POST', '/api/session/org', { orgId })
    expect(await session(visitor)).toMatchObject({ org: { id: orgId }, role: 'viewer' })
    expect((await owner.call('POST', '/api/session/org', { orgId: own.org?.id })).status).toBe(404)
  })

  test('nobody grants a role above their own, and an org keeps an owner', async () => {
    const colleague = await join(owner, 'colleague@example.com', 'admin')
    expect((await colleague.call('POST', '/api/orgs/current/invitations', { email: 'x@example.com', role: 'owner' })).status).toBe(403)
    const [ownerId, colleagueId] = [await memberId(admin.email), await memberId('colleague@example.com')]
    expect((await colleague.call('PATCH', `/api/orgs/current/members/${colleagueId}`, { role: 'owner' })).status).toBe(403)
    expect((await colleague.call('PATCH', `/api/orgs/current/members/${ownerId}`, { role: 'viewer' })).status).toBe(403)
    expect((await colleague.call('DELETE', `/api/orgs/current/members/${ownerId}`)).status).toBe(403)
    expect((await owner.call('PATCH', `/api/orgs/current/members/${ownerId}`, { role: 'admin' })).status).toBe(409)
    expect((await owner.call('DELETE', `/api/orgs/current/members/${ownerId}`)).status).toBe(409)
  })

  test('whoever is removed is out at once, with every key they made and every invitation they sent', async () => {
    const leaver = await join(owner, 'leaver@example.com', 'admin')
    const { key } = CreatedApiKey.parse((await leaver.succeed('POST', '/api/keys', { name: 'kept a copy', scopes: ['inference', 'workspace'] })).body)
    const invitation = WithToken.parse((await leaver.succeed('POST', '/api/orgs/current/invitations', { email: 'friend@example.com', role: 'admin' })).body)
    const org = (await session(leaver)).org?.id
    await owner.succeed('DELETE', `/api/orgs/current/members/${await memberId('leaver@example.com')}`)
    expect((await session(leaver)).org?.id).not.toBe(org)
    expect((await new Visitor(loom, { authorization: `Bearer ${key}` }).call('GET', '/api/projects')).status).toBe(401)
    expect((await new Visitor(loom).call('GET', `/api/invitations/${invitation.token}`)).status).toBe(404)
  })

  test('an admin demoted mid-session has lost at their next request what only admins may do', async () => {
    const admin = await join(owner, 'falling@example.com', 'admin')
    await admin.succeed('GET', '/api/orgs/current/invitations')
    await owner.succeed('PATCH', `/api/orgs/current/members/${await memberId('falling@example.com')}`, { role: 'viewer' })
    expect((await admin.call('GET', '/api/orgs/current/invitations')).status).toBe(403)
    expect((await admin.call('POST', '/api/projects', { name: 'Too late' })).status).toBe(403)
    expect(await session(admin)).toMatchObject({ role: 'viewer' })
  })

  test('a demoted admin keeps the keys a member may make, and loses the others', async () => {
    const demoted = await join(owner, 'demoted@example.com', 'admin')
    const make = async (scopes: string[]) => CreatedApiKey.parse((await demoted.succeed('POST', '/api/keys', { name: scopes.join(), scopes })).body)
    const [plain, billing] = [await make(['inference']), await make(['inference', 'billing'])]
    await owner.succeed('PATCH', `/api/orgs/current/members/${await memberId('demoted@example.com')}`, { role: 'member' })
    const { keys } = z.object({ keys: z.array(z.object({ id: z.string(), status: z.string() })) }).parse((await owner.succeed('GET', '/api/keys')).body)
    expect(keys.find(({ id }) => id === plain.id)?.status).toBe('active')
    expect(keys.find(({ id }) => id === billing.id)?.status).toBe('revoked')
  })

  test('what is no valid request is a 400 that names the field, and changes nothing', async () => {
    const bad: [string, unknown][] = [
      ['{"name": ', 'The body is not valid JSON.'],
      [JSON.stringify({ name: '' }), expect.stringContaining('name')],
      [JSON.stringify({ name: 1 }), expect.stringContaining('name')],
      [JSON.stringify({ name: 'x', slug: 'mine' }), expect.stringContaining('slug')],
      [JSON.stringify([]), expect.any(String)],
      ['null', expect.any(String)]
    ]
    for (const [body, message] of bad) expect(await owner.call('PATCH', '/api/orgs/current', body)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', message } } })
    expect((await owner.call('PATCH', '/api/orgs/current', JSON.stringify({ name: 'x'.repeat(2_000_000) }))).status).toBe(413)
    expect((await owner.call('POST', '/api/auth/sign-in/email', JSON.stringify({ email: 'x'.repeat(100_000) }))).status).toBe(413)
  })

  test('text that looks like SQL or markup is only text', async () => {
    const name = '\'; drop table users; -- <script>alert(1)</script> ${1+1} \\u0000'
    expect((await owner.succeed('PATCH', '/api/orgs/current', { name })).body).toMatchObject({ name })
    expect((await owner.call('GET', '/api/orgs/current')).body).toMatchObject({ name })
    expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: '\' or 1=1 --', password: '\' or \'\'=\'' })).status).toBe(400)
    expect((await owner.call('DELETE', '/api/keys/1%27%20or%201%3D1')).status).toBe(404)
  })

  test('no password, session token, invitation or set-up token of a used link is in the log', async () => {
    const { token } = await invite('logged@example.com', 'viewer')
    const logs = loom.logs().replace(/^Set up Loom:.*$/m, '')
    for (const secret of [PASSWORD, admin.password, token, owner.cookie.split('=')[1]?.split('.')[0] ?? 'none', loom.setupToken]) expect(logs).not.toContain(secret)
  })

  async function invite(email: string, role: string) {
    return CreatedInvitation.parse((await owner.succeed('POST', '/api/orgs/current/invitations', { email, role })).body)
  }

  async function memberId(email: string): Promise<string> {
    const { members } = MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body)
    return WithId.parse(members.find(member => member.email === email)).id
  }
})

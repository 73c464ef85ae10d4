import type { MemberRole } from '../../shared/identity'
import { CreatedInvitation } from '../../shared/identity'
import type { LoomServer } from './loom-server'
import { admin } from './set-up-loom'

export const PASSWORD = 'correct horse battery'

export interface Answer {
  status: number
  /** The parsed body, or its text where it is no JSON; undefined when empty. */
  body: unknown
  headers: Headers
}

/** Somebody using the API as a browser does: sends JSON from the app's own origin, and keeps cookies. */
export class Visitor {
  private readonly cookies = new Map<string, string>()

  constructor(readonly loom: LoomServer, readonly headers: Readonly<Record<string, string>> = {}) {}

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.loom.url + path, {
      method,
      // A browser keeps the cookies of each answer on the way; who wants to go on goes on.
      redirect: 'manual',
      headers: {
        origin: this.loom.url,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.cookies.size > 0 && { cookie: this.cookie }),
        ...this.headers,
        ...headers
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    })
    for (const cookie of response.headers.getSetCookie()) this.keep(cookie)
    return { status: response.status, body: parse(await response.text()), headers: response.headers }
  }

  /** @throws {Error} when the answer is not a success */
  async succeed(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.call(method, path, body)
    if (answer.status >= 400) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer
  }

  private keep(cookie: string) {
    const [pair = ''] = cookie.split(';')
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    if (value === '') this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

/** A visitor who has just set a fresh server up: platform admin, owner of an org. */
export async function setUp(loom: LoomServer): Promise<Visitor> {
  const visitor = new Visitor(loom)
  await visitor.succeed('POST', '/api/setup', { token: loom.setupToken, ...admin })
  return visitor
}

export async function signInAs(loom: LoomServer, email: string, password = PASSWORD): Promise<Visitor> {
  const visitor = new Visitor(loom)
  await visitor.succeed('POST', '/api/auth/sign-in/email', { email, password })
  return visitor
}

/** Somebody new with a role in the inviting admin's org, signed in there. */
export async function join(inviter: Visitor, email: string, role: MemberRole): Promise<Visitor> {
  const { body } = await inviter.succeed('POST', '/api/orgs/current/invitations', { email, role })
  const visitor = new Visitor(inviter.loom)
  await visitor.succeed('POST', `/api/invitations/${CreatedInvitation.parse(body).token}/accept`, { name: email.split('@')[0], password: PASSWORD })
  return visitor
}

/** Somebody with an org of their own and nothing else. Opens sign-up for it. */
export async function signUp(platformAdmin: Visitor, email: string): Promise<Visitor> {
  await platformAdmin.succeed('PATCH', '/api/platform/settings', { signUpOpen: true })
  await new Visitor(platformAdmin.loom).succeed('POST', '/api/auth/sign-up/email', { name: email.split('@')[0], email, password: PASSWORD })
  await platformAdmin.succeed('PATCH', '/api/platform/settings', { signUpOpen: false })
  return signInAs(platformAdmin.loom, email)
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

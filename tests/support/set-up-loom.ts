import type { LoomServer } from './loom-server'

export const admin = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' }

/** A signed-in browser's cookies, as a `cookie` header. */
export type Session = {
  cookie: string
}

/** Completes the first set-up with the printed token, which signs the administrator in. */
export async function setUpLoom(loom: LoomServer): Promise<Session> {
  return sessionOf(await post(`${loom.url}/api/setup`, { token: loom.setupToken, ...admin }))
}

export async function signIn(loom: LoomServer, { email, password }: { email: string, password: string }): Promise<Session> {
  return sessionOf(await post(`${loom.url}/api/auth/sign-in/email`, { email, password }))
}

/** A new user with an org of their own, signed in; needs `SIGN_UP_OPEN`. */
export async function signUp(loom: LoomServer, newcomer: typeof admin): Promise<Session> {
  await post(`${loom.url}/api/auth/sign-up/email`, newcomer)
  return signIn(loom, newcomer)
}

function sessionOf(response: Response): Session {
  return { cookie: response.headers.getSetCookie().map(cookie => cookie.split(';')[0]).join('; ') }
}

async function post(url: string, body: unknown): Promise<Response> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'origin': new URL(url).origin }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${await response.text()}`)
  return response
}

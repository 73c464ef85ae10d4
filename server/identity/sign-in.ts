import type { Auth } from './auth'
import { CLIENT_IP_HEADER } from './auth'

interface Origin {
  ip: string | null
  userAgent: string | undefined
}

interface SignedIn {
  /** To be set, as they stand. */
  cookies: string[]
  /** Of the session. */
  token: string
}

/** Signs a user in who has just proved who they are. Where they came from is kept with the session. */
export async function signIn(auth: Auth, { email, password }: { email: string, password: string }, { ip, userAgent }: Origin): Promise<SignedIn> {
  const headers = new Headers({ [CLIENT_IP_HEADER]: ip ?? '', 'user-agent': userAgent ?? '' })
  const signedIn = await auth.api.signInEmail({ body: { email, password }, headers, returnHeaders: true })
  return { cookies: signedIn.headers.getSetCookie(), token: signedIn.response.token }
}

import { createAuthEndpoint } from 'better-auth/api'

/** Lets this process, and nobody else, read the token in the signed session cookie as the sign-in library does; null without one, false for one that it did not sign. */
export function sessionToken() {
  return {
    id: 'session-token',
    endpoints: {
      readSessionToken: createAuthEndpoint.serverOnly({ method: 'GET', requireHeaders: true }, ({ context, getSignedCookie }) =>
        getSignedCookie(context.authCookies.sessionToken.name, context.secret))
    }
  }
}

import { genericOAuth } from 'better-auth/plugins'
import { discoveryUrl } from './require-provider'
import type { SsoConfig } from './sso-settings'

/** Its name in addresses and in `accounts`. */
export const SSO_PROVIDER = 'sso'
const NAME_MAX = 80

/** The plugin that speaks OpenID Connect: PKCE, nonce, and tokens whose signature is checked against the provider's keys. */
export function ssoPlugin({ issuer, clientId, clientSecret }: SsoConfig) {
  return genericOAuth({
    config: [{
      providerId: SSO_PROVIDER,
      clientId,
      clientSecret,
      discoveryUrl: discoveryUrl(issuer),
      requireIdTokenVerification: true,
      scopes: ['openid', 'email', 'profile'],
      // Not every provider tells names, and any may tell long ones.
      mapProfileToUser: ({ name, email, email_verified: emailVerified }) => ({
        name: (typeof name === 'string' && name.trim() ? name : String(email).split('@')[0] ?? '').trim().slice(0, NAME_MAX),
        emailVerified: emailVerified === true
      })
    }]
  })
}

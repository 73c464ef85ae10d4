import type { Translate } from './translate'

/** Why the identity provider's answer let nobody in, by the code in the address. */
const sentenceKeys: Record<string, string> = {
  domain_not_allowed: 'auth.ssoFailures.domain_not_allowed',
  email_not_verified: 'auth.ssoFailures.email_not_verified',
  account_not_linked: 'auth.ssoFailures.account_not_linked',
  email_doesn_t_match: 'auth.ssoFailures.email_doesn_t_match',
  access_denied: 'auth.ssoFailures.access_denied'
}

/** In words a person can act on; undefined without a failure. */
export function tellSsoFailure(code: unknown, t: Translate): string | undefined {
  if (typeof code !== 'string' || code === '') return undefined
  return t(sentenceKeys[code.toLowerCase().replace(/[^a-z]+/g, '_')] ?? 'auth.ssoFailures.other')
}

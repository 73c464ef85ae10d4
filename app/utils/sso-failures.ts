/** Why the identity provider's answer let nobody in, by the code in the address. */
const sentences: Record<string, string> = {
  domain_not_allowed: 'Addresses of your domain are not let in here. Ask an administrator.',
  email_not_verified: 'Your identity provider has not verified your e-mail address.',
  account_not_linked: 'There is an account with your address already. Log in with its password, then connect the identity provider under Settings, Account.',
  email_doesn_t_match: 'Your address at the identity provider is another than here.',
  access_denied: 'The identity provider was not allowed to tell who you are.'
}

/** In words a person can act on; undefined without a failure. */
export function tellSsoFailure(code: unknown): string | undefined {
  if (typeof code !== 'string' || code === '') return undefined
  return sentences[code.toLowerCase().replace(/[^a-z]+/g, '_')] ?? 'The identity provider’s answer could not be used. Try again; if it stays, ask an administrator.'
}

import { z } from './zod'

/** Nobody becomes owner by signing in. */
export const SsoRole = z.enum(['admin', 'member', 'viewer'])

export const Domain = z.string().trim().toLowerCase().max(253).regex(/^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain, like example.com')

/** `PUT /api/platform/sso` */
export const SetSso = z.strictObject({
  /** On the button: "Log in with …". */
  name: z.string().trim().min(1).max(40),
  /** The provider's address; `/.well-known/openid-configuration` is looked up below it. */
  issuer: z.url({ protocol: /^https?$/ }).max(500),
  clientId: z.string().trim().min(1).max(300),
  /** Left out: stays as it is. */
  clientSecret: z.string().min(1).max(2_000).optional(),
  /** Whose e-mail addresses are let in. None: everybody the provider knows. */
  allowedDomains: z.array(Domain).max(100).default([]),
  /** Where newcomers become members; null: each gets an organisation of their own. */
  defaultOrgId: z.uuid().nullable().default(null),
  defaultRole: SsoRole.default('member')
})
export type SetSso = z.infer<typeof SetSso>

/** `GET /api/platform/sso`: never the secret. */
export const SsoDetails = z.object({
  /** null: nothing is set up. */
  sso: z.object({
    name: z.string(),
    issuer: z.string(),
    clientId: z.string(),
    allowedDomains: z.array(z.string()),
    defaultOrgId: z.string().nullable(),
    defaultRole: SsoRole,
    /** Settings of the app win over the environment's. */
    source: z.enum(['settings', 'environment'])
  }).nullable(),
  /** Of what the app was told, the secret aside; sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string(),
  /** To be registered with the provider; null without APP_URL, which single sign-on needs. */
  redirectUri: z.string().nullable()
})
export type SsoDetails = z.infer<typeof SsoDetails>

/** `POST /api/session/sso` */
export const BeginSso = z.strictObject({
  /** The page to come back to. */
  next: z.string().max(2_000).regex(/^\/(?![/\\])/, 'must be a path of this app').default('/projects'),
  /** Connects the account at the provider to who is signed in, instead of signing in. */
  link: z.boolean().default(false)
})

/** Its answer: where the browser goes. */
export const SsoStart = z.object({ url: z.url() })

import { z } from './zod'
import { storableText } from './json'
import { memberRoles } from './roles'

export const userRoles = ['user', 'admin'] as const
export const orgStatuses = ['active', 'inactive'] as const

export const MemberRole = z.enum(memberRoles)
export type MemberRole = z.infer<typeof MemberRole>

export const PASSWORD_MIN_LENGTH = 10
export const PASSWORD_MAX_LENGTH = 128

export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email())
export const Password = z.string().min(PASSWORD_MIN_LENGTH).max(PASSWORD_MAX_LENGTH)
export const PersonName = z.string().trim().min(1).max(80)

export const NewUser = z.strictObject({ name: PersonName, email: Email, password: Password })
export type NewUser = z.infer<typeof NewUser>

/** `POST /api/setup`: the first administrator, let in by the token printed at start. */
export const CompleteSetup = NewUser.extend({ token: z.string().max(200) })
export type CompleteSetup = z.infer<typeof CompleteSetup>

/** An IANA time zone, such as `Europe/Berlin`: written in any case, and by an older or a newer name, it comes out under the one name that `Intl` has for it. */
export const TimeZone = z.string().min(1).max(64).transform((name, context) => {
  const zone = findTimeZone(name)
  if (zone === undefined) context.addIssue({ code: 'custom', message: 'is not a time zone; name one like Europe/Berlin' })
  return zone ?? z.NEVER
})

/** `PATCH /api/orgs/current`: what is left out stays. */
export const UpdateOrg = z.strictObject({
  name: z.string().trim().min(1).max(80).optional(),
  /** Where the org's days, weeks and months begin. */
  timeZone: TimeZone.optional(),
  /** Whether answers in chats may read public web pages, each asking first. */
  webTools: z.boolean().optional(),
  /** Whether what calls send and get is kept, encrypted, in their traces. */
  traceBodies: z.boolean().optional()
})
export type UpdateOrg = z.infer<typeof UpdateOrg>

/** `POST /api/session/org` */
export const SwitchOrg = z.strictObject({ orgId: z.uuid() })

/** `PATCH /api/orgs/current/members/{id}` */
export const UpdateMember = z.strictObject({ role: MemberRole })

/** `POST /api/orgs/current/invitations` */
export const CreateInvitation = z.strictObject({ email: Email, role: MemberRole.default('member') })
export type CreateInvitation = z.infer<typeof CreateInvitation>

/** `POST /api/invitations/{token}/accept`: empty from someone signed in, name and password from someone new. */
export const AcceptInvitation = z.strictObject({ name: PersonName.optional(), password: Password.optional() })
export type AcceptInvitation = z.infer<typeof AcceptInvitation>

/** `POST /api/session/password/forgotten`: a link to set a new one is mailed to whoever has the address. */
export const ForgottenPassword = z.strictObject({ email: Email })

/** `PUT /api/session/password`: sets a new one by such a link. */
export const ResetPassword = z.strictObject({ token: z.string().max(200), password: Password })
export type ResetPassword = z.infer<typeof ResetPassword>

/** `POST /api/platform/users/{id}/reset-link`: works once; shown here and nowhere else. */
export const ResetLink = z.object({ url: z.string(), expiresAt: z.iso.datetime() })
export type ResetLink = z.infer<typeof ResetLink>

/** `PATCH /api/platform/settings` */
export const UpdatePlatformSettings = z.strictObject({ signUpOpen: z.boolean().optional() })
export type UpdatePlatformSettings = z.infer<typeof UpdatePlatformSettings>

export const PlatformSettings = z.object({
  /** Whether strangers may sign up; otherwise only invitations let people in. */
  signUpOpen: z.boolean(),
  version: z.string()
})
export type PlatformSettings = z.infer<typeof PlatformSettings>

export interface OrgSummary {
  id: string
  name: string
  slug: string
  /** The caller's role in it. */
  role: MemberRole
}

/** `GET` and `PATCH` of `/api/orgs/current` */
export const OrgDetails = z.object({
  id: z.string(),
  name: z.string(),
  slug: z.string(),
  role: MemberRole,
  timeZone: z.string(),
  traceBodies: z.boolean(),
  /** Whether its chats may read public web pages. */
  webTools: z.boolean(),
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string()
})
export type OrgDetails = z.infer<typeof OrgDetails>

/** `GET /api/session`: who is here, as the app needs to know. */
export interface SessionInfo {
  user: { id: string, name: string, email: string } | null
  /** The org everything is shown of and charged to. */
  org: OrgSummary | null
  orgs: OrgSummary[]
  role: MemberRole | null
  platformAdmin: boolean
  signUpOpen: boolean
  setupNeeded: boolean
  /** The largest file that can be uploaded. */
  maxFileBytes: number
  /** The identity provider one may sign in at; null: none is set up. */
  ssoName: string | null
  /** Whether a link to set a new password is mailed to who has forgotten theirs. */
  mailsResetLinks: boolean
}

/** `GET /api/session/account`: the signed-in user's own account. */
export const Account = z.object({
  name: z.string(),
  email: z.string(),
  /** Whether there is a password to sign in with; who came by single sign-on has none. */
  hasPassword: z.boolean(),
  /** Whether the account is connected to the identity provider. */
  hasSso: z.boolean(),
  twoFactor: z.boolean(),
  createdAt: z.iso.datetime()
})
export type Account = z.infer<typeof Account>

/** `PATCH /api/session/account` */
export const UpdateAccount = z.strictObject({ name: PersonName })

/** `GET /api/session/devices`: where the user is signed in, the newest first. */
export const SignedInDevices = z.object({
  devices: z.array(z.object({
    id: z.string(),
    /** The one that asks. */
    current: z.boolean(),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    signedInAt: z.iso.datetime(),
    /** Within a day: sessions in use are prolonged once a day. */
    lastSeenAt: z.iso.datetime(),
    expiresAt: z.iso.datetime()
  }))
})
export type SignedInDevices = z.infer<typeof SignedInDevices>

export const Member = z.object({
  /** Of the membership. */
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  email: z.string(),
  role: MemberRole,
  /** Of others it is told to admins only. */
  signIn: z.object({
    /** Whether they sign in with a second factor. */
    twoFactor: z.boolean(),
    lastLoginAt: z.iso.datetime().nullable(),
    /** In how many browsers they are logged in. */
    sessions: z.int()
  }).nullable(),
  joinedAt: z.iso.datetime(),
  /** Of their role. */
  version: z.string()
})
export type Member = z.infer<typeof Member>

/** `GET /api/orgs/current/members`; the longest-standing first. */
export const MemberQuery = z.object({
  /** Part of a name, or of an email. */
  search: storableText(254).trim().optional(),
  /** This person alone. */
  userId: z.uuid().optional(),
  /** Without those who are named in this project. */
  notInProject: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The page before's `nextCursor`. */
  cursor: z.uuid().optional()
})
export type MemberQuery = z.infer<typeof MemberQuery>
export const MemberPage = z.object({ members: z.array(Member), nextCursor: z.string().nullable() })
export type MemberPage = z.infer<typeof MemberPage>

export const Invitation = z.object({
  id: z.string(),
  email: z.string(),
  role: MemberRole,
  /** The inviting member's name. */
  invitedBy: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime()
})
export type Invitation = z.infer<typeof Invitation>

/** `GET /api/orgs/current/invitations`: those that can still be accepted. */
export const InvitationList = z.object({ invitations: z.array(Invitation) })
export type InvitationList = z.infer<typeof InvitationList>

/** The answer to `POST /api/orgs/current/invitations`; the link is shown this once. */
export const CreatedInvitation = Invitation.extend({ token: z.string(), url: z.string() })
export type CreatedInvitation = z.infer<typeof CreatedInvitation>

/** `GET /api/invitations/{token}`, for whoever holds the link. */
export interface InvitationPreview {
  orgName: string
  email: string
  role: MemberRole
}

/** Undefined for what is none, and for an offset: east of Greenwich for `Intl`, `+05:30` is west of it for PostgreSQL. */
function findTimeZone(name: string): string | undefined {
  if (/^[+-]/.test(name)) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

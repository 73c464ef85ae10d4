import { z } from './zod'
import { MemberRole } from './identity'
import { ModelName, ModelParameters } from './model-parameters'
import { Policy } from './policy'
import { Cursor, Id, NanoUsdText, QueryFlag, Timestamp, storableText } from './json'

/** Who in the org may open it: `org`, everybody as their role there allows; `members`, those who are named, and the org's admins. */
export const projectAccesses = ['org', 'members'] as const
/** `editor`: reads and writes, as far as their role in the org lets them; `viewer`: reads. */
export const projectRoles = ['editor', 'viewer'] as const
export const ProjectRole = z.enum(projectRoles)
export type ProjectRole = z.infer<typeof ProjectRole>

/** The longest of a project, in UTF-16 code units. */
export const PROJECT_DESCRIPTION_MAX = 2_000
export const PROJECT_INSTRUCTIONS_MAX = 20_000

const ProjectFields = z.strictObject({
  name: storableText(120).trim().min(1),
  description: storableText(PROJECT_DESCRIPTION_MAX).trim(),
  /** Sent to the model as the system message of every conversation in the project. */
  instructions: storableText(PROJECT_INSTRUCTIONS_MAX).trim(),
  /** The model of new conversations; null leaves the choice to each. */
  defaultModel: ModelName.nullable(),
  /** Of its conversations, where they set none of their own. */
  parameters: ModelParameters
})

/** `POST /api/projects` */
export const CreateProject = ProjectFields.partial().required({ name: true })
export type CreateProject = z.infer<typeof CreateProject>

/** `PATCH /api/projects/{id}`: what is absent stays. */
export const UpdateProject = ProjectFields.partial().extend({
  archived: z.boolean().optional(),
  /** By admins and whoever made it. Those who close it stay in it. */
  access: z.enum(projectAccesses).optional(),
  /** Replaced whole, by admins. */
  policy: Policy.optional()
})
export type UpdateProject = z.infer<typeof UpdateProject>

/** `activity`, `created`, `spend`: the most first; `name`: from A. */
export const projectSorts = ['activity', 'name', 'created', 'spend'] as const

/** `GET /api/projects` */
export const ProjectQuery = z.object({
  search: storableText(120).trim().optional(),
  /** Lists the archived projects instead of the others. */
  archived: QueryFlag,
  sort: z.enum(projectSorts).default('activity'),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: Cursor.optional()
})
export type ProjectQuery = z.infer<typeof ProjectQuery>

/** Answer of `GET /api/projects/{id}`, `POST /api/projects` and `PATCH /api/projects/{id}`. */
export const Project = z.object({
  id: Id,
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string(),
  name: z.string(),
  description: z.string(),
  instructions: z.string(),
  defaultModel: z.string().nullable(),
  parameters: ModelParameters,
  access: z.enum(projectAccesses),
  /** Whether the reader may write in it, and whether they may say who else may. */
  mayWrite: z.boolean(),
  mayShare: z.boolean(),
  policy: Policy,
  archivedAt: Timestamp.nullable(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  conversationCount: z.int(),
  /** When somebody last wrote in one of its conversations; its creation when nobody has. */
  lastActiveAt: Timestamp,
  /** What its conversations have cost so far, deleted ones included. */
  spendNanoUsd: NanoUsdText
})
export type Project = z.infer<typeof Project>

/** Answer of `GET /api/projects`. */
export const ProjectPage = z.object({ projects: z.array(Project), nextCursor: Cursor.nullable() })
export type ProjectPage = z.infer<typeof ProjectPage>

/** Of `GET /api/projects/{id}/members`, and answer of `PUT /api/projects/{id}/members/{userId}`: who was named. Where access is `org`, everybody else may open it too. */
export const ProjectMember = z.object({
  userId: Id,
  name: z.string(),
  email: z.string(),
  role: ProjectRole,
  orgRole: MemberRole,
  /** Of their role: sent as `If-Match` with another, it makes sure that nobody else has changed it meanwhile. */
  version: z.string()
})
export type ProjectMember = z.infer<typeof ProjectMember>

/** `GET /api/projects/{id}/members`; of those who are named, the longest-standing of the org first. */
export const ProjectMemberQuery = z.object({
  /** Part of a name, or of an email. */
  search: storableText(254).trim().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The page before's `nextCursor`. */
  cursor: Id.optional()
})
export type ProjectMemberQuery = z.infer<typeof ProjectMemberQuery>
export const ProjectMemberPage = z.object({
  members: z.array(ProjectMember),
  nextCursor: z.string().nullable(),
  /** Of whoever is not named: sent with naming them, it makes sure that nobody else has named them meanwhile. */
  unnamedVersion: z.string()
})
export type ProjectMemberPage = z.infer<typeof ProjectMemberPage>

/** `PUT /api/projects/{id}/members/{userId}`: names a member of the org, or changes their role; `DELETE` takes them out. */
export const SetProjectMember = z.strictObject({ role: ProjectRole })
export type SetProjectMember = z.infer<typeof SetProjectMember>

const ActivityLine = z.object({ calls: z.int(), tokens: z.int(), costNanoUsd: NanoUsdText })

/** `GET /api/projects/{id}/activity`: what its calls used in the last 30 days, by keys and in conversations. */
export const ProjectActivity = z.object({
  total: ActivityLine,
  /** Days of UTC, `2026-01-31`, oldest first; those without calls left out. */
  byDay: z.array(ActivityLine.extend({ day: z.string() })),
  /** The dearest ten. */
  byModel: z.array(ActivityLine.extend({ model: z.string() })),
  /** The dearest ten people; null: keys of nobody. */
  byPerson: z.array(ActivityLine.extend({ userId: Id.nullable(), name: z.string().nullable() }))
})
export type ProjectActivity = z.infer<typeof ProjectActivity>

import type { SQL } from 'drizzle-orm'
import { and, eq, isNull, or, sql } from 'drizzle-orm'
import { conversations, files, projects } from '../../db/schema'
import { LoomError } from '../errors'
import { conversationsInScope, projectsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import type { StoredFile } from '../../shared/files'

/** In the `where` of what changes files: those of projects that the scope may see. */
export function filesOfProjects(scope: Scope): SQL | undefined {
  return and(eq(files.orgId, scope.orgId), sql`exists (select 1 from ${projects} where ${projects.id} = ${files.projectId} and ${projectsInScope(scope)})`)
}

/**
 * In the `where` of what reads files. Those of a project, and those not sent yet, may be seen by whoever may see their project; those that went
 * with messages, wherever their conversations have been moved since, by whoever may see one of these.
 */
export function filesInScope(scope: Scope): SQL | undefined {
  const conversation = sql`select 1 from message_parts join messages on messages.id = message_parts.message_id join ${conversations} on ${conversations.id} = messages.conversation_id
    where message_parts.type in ('image', 'file') and message_parts.content ->> 'fileId' = ${files.id}::text and ${and(conversationsInScope(scope), isNull(conversations.deletedAt))}`
  return and(eq(files.orgId, scope.orgId), or(
    and(or(eq(files.inProject, true), isNull(files.sentAt)), filesOfProjects(scope)),
    sql`exists (${conversation})`
  ))
}

export function fileNotFound(): LoomError {
  return new LoomError('not_found', 'There is no such file.')
}

export const fileColumns = {
  id: files.id, projectId: files.projectId, name: files.name, kind: files.kind, mime: files.mime, sizeBytes: files.sizeBytes, inProject: files.inProject, createdAt: files.createdAt
}

export function toStoredFile({ createdAt, ...row }: Omit<StoredFile, 'createdAt'> & { createdAt: Date }): StoredFile {
  return { ...row, createdAt: createdAt.toJSON() }
}

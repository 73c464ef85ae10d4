import { and, desc, eq, sql } from 'drizzle-orm'
import { artifacts, messageParts } from '../../db/schema'
import { branchIds } from '../chat/select-messages'
import type { Runtime } from '../runtime'

/** However far a thread goes back, no version older than so many messages is changed further. */
const BRANCH_MAX = 1_000

/** The text of the newest version of a path on the branch that an answer belongs to, its own versions among them; undefined where there is none. */
export async function readNewestArtifact({ db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'>, { orgId, conversationId, messageId }: { orgId: string, conversationId: string, messageId: string }, path: string): Promise<string | undefined> {
  const [newest] = await orm.select({ storageKey: artifacts.storageKey }).from(artifacts)
    .innerJoin(messageParts, eq(messageParts.id, artifacts.partId))
    .where(and(
      eq(artifacts.orgId, orgId), eq(artifacts.conversationId, conversationId), eq(artifacts.path, path), eq(artifacts.kind, 'file'), eq(messageParts.orgId, orgId),
      sql`${messageParts.messageId} = any(${branchIds(orgId, sql`${messageId}::uuid`, BRANCH_MAX)})`
    ))
    .orderBy(desc(artifacts.version))
    .limit(1)
  return newest && (await fileStore.read(newest.storageKey)).toString('utf8')
}

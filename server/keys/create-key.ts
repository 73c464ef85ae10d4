import { and, eq, isNull } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { apiKeys, projects } from '../../db/schema'
import type { CreatedApiKey, CreateKey } from '../../shared/keys'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireRoom } from '../audit/require-room'
import { LoomError } from '../errors'
import { keepAsMember } from '../identity/keep-members'
import { requireRole } from '../identity/principal'
import type { Principal } from '../identity/principal'
import { projectsInScope } from '../projects/scope'
import { hasStatus } from './has-status'
import { generateKey, hashKey, shownPrefix } from './key-format'
import { notifyKeyChange } from './notify-key-change'
import { requireGrantable } from './require-grantable'
import { selectKeys } from './select-keys'

const MAX_KEYS = 10_000

/**
 * Makes a key of the author's org. The key itself is in the answer and nowhere else.
 * @throws {LoomError} `forbidden` when it could do more than its author, `not_found` for a project that its author cannot write in, `conflict` when the org has as many keys as it may
 */
export async function createKey(orm: Orm, author: Author, { service: isService, ...input }: CreateKey): Promise<CreatedApiKey> {
  const { orgId, userId } = author.principal
  const key = generateKey()
  const id = uuidv7()
  const keyHash = hashKey(key)
  return orm.transaction(async (transaction) => {
    await keepAsMember(transaction, author.principal)
    if (input.projectId !== null) await requireProject(transaction, author.principal, input.projectId)
    if (isService) requireRole(author.principal, 'admin')
    await requireGrantable(transaction, author.principal, input)
    await transaction.insert(apiKeys).values({ ...input, isService, id, orgId, keyPrefix: shownPrefix(key), keyHash, createdBy: userId })
    await recordChange(transaction, author, { action: 'key.create', target: `key:${id}`, after: { ...input, service: isService } })
    await requireRoom(transaction, apiKeys, and(eq(apiKeys.orgId, orgId), hasStatus('active')), MAX_KEYS, 'active keys')
    // Replicas remember unknown keys for a moment.
    await notifyKeyChange(transaction, { keyHash, previousKeyHash: null })
    const [created] = await selectKeys(transaction, author.principal, and(eq(apiKeys.id, id), eq(apiKeys.orgId, orgId)))
    if (!created) throw new Error('The key just written cannot be read')
    return { ...created, key }
  })
}

async function requireProject(transaction: Orm, principal: Principal, projectId: string): Promise<void> {
  const found = await transaction.select({ id: projects.id }).from(projects).where(and(projectsInScope(principal), eq(projects.id, projectId), isNull(projects.archivedAt)))
  if (found.length === 0) throw new LoomError('not_found', 'There is no project with this id.', { param: 'projectId' })
}

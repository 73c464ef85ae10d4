import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { Conversation, CreateConversation } from '../../shared/conversations'
import { getConversation } from './get-conversation'

/** @throws {LoomError} `not_found` when the scope has no such project */
export async function createConversation(orm: Orm, creator: Scope & { userId: string }, projectId: string, input: CreateConversation): Promise<Conversation> {
  const project = await getProject(orm, creator, projectId)
  const id = uuidv7()
  await orm.insert(conversations).values({
    id, orgId: creator.orgId, projectId, userId: creator.userId, ...input, model: input.model ?? project.defaultModel
  })
  return getConversation(orm, creator, id)
}

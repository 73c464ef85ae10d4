import { LoomError } from '../errors'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { AnswerRequest } from '../../shared/answers'
import { buildRequest } from './build-request'
import { findMessage } from './find-message'
import { getConversation } from './get-conversation'
import { inherit } from './inherit-settings'

/**
 * The call behind an answer, as it would be made now.
 * @throws {LoomError} `not_found`, `invalid_request` for a message that is no answer
 */
export async function getAnswerRequest(runtime: Runtime, scope: Scope, conversationId: string, messageId: string): Promise<AnswerRequest> {
  const { role, parentId, model, projectId } = await findMessage(runtime.db.orm, scope, conversationId, messageId)
  if (role !== 'assistant' || parentId === null || model === null) throw new LoomError('invalid_request', 'Only an answer was asked of a model.')
  const settings = inherit(await getProject(runtime.db.orm, scope, projectId), await getConversation(runtime.db.orm, scope, conversationId))
  const { request } = await buildRequest(runtime, { orgId: scope.orgId, projectId, model, ...settings, parentId, withTools: false, withoutBytes: true })
  return request
}

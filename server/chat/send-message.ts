import type { Principal } from '../identity/principal'
import { requireRunning } from '../operations/require-running'
import type { Runtime } from '../runtime'
import type { AnswerAgain, SendMessage } from '../../shared/answers'
import type { AnswerPlace, BegunAnswer } from './begin-answer'
import { beginAnswer, beginContinuation, beginRetry } from './begin-answer'
import { findDefaultModel } from './default-model'
import type { AnswerEvents } from './follow-answer'
import { followRunning } from './follow-answer'
import { getConversation } from './get-conversation'
import { RunningAnswer, registerAnswer } from './running-answers'
import { FIRST_EVENT_ID } from './select-messages'
import { writeAnswer } from './write-answer'

/**
 * Stores the user's message and starts the answer, which goes on to its end whether or not anybody reads its events. Undefined when the message
 * was stored before under its `clientId`.
 * @throws {LoomError} `not_found`, `conflict` while another answer is running, `invalid_request` when there is no model or no place for it, `service_unavailable` while stopping
 */
export async function sendMessage(runtime: Runtime, principal: Principal, conversationId: string, input: SendMessage): Promise<AnswerEvents | undefined> {
  requireRunning(runtime)
  const begun = await beginAnswer(runtime.db.orm, principal, await answerPlace(runtime, principal, conversationId, input), input)
  return begun && startAnswer(runtime, principal, begun)
}

/**
 * Answers the message before an answer once more, as a branch beside it.
 * @throws {LoomError} as `sendMessage`; `invalid_request` also when `messageId` is no answer
 */
export async function retryMessage(runtime: Runtime, principal: Principal, conversationId: string, messageId: string, chosen: AnswerAgain): Promise<AnswerEvents> {
  requireRunning(runtime)
  const begun = await beginRetry(runtime.db.orm, principal, await answerPlace(runtime, principal, conversationId, chosen), messageId)
  return startAnswer(runtime, principal, begun)
}

/**
 * Goes on with an answer that stopped too soon, in a message below it.
 * @throws {LoomError} as `retryMessage`
 */
export async function continueMessage(runtime: Runtime, principal: Principal, conversationId: string, messageId: string, chosen: AnswerAgain): Promise<AnswerEvents> {
  requireRunning(runtime)
  const begun = await beginContinuation(runtime.db.orm, principal, await answerPlace(runtime, principal, conversationId, chosen), messageId)
  return startAnswer(runtime, principal, begun)
}

async function answerPlace(runtime: Runtime, principal: Principal, conversationId: string, { model, tools }: AnswerAgain): Promise<AnswerPlace> {
  const fallbackModel = model === undefined ? await findFallback(runtime, principal, conversationId) : undefined
  return { conversationId, replicaId: runtime.replicaId, model, tools, fallbackModel }
}

async function findFallback(runtime: Runtime, principal: Principal, conversationId: string): Promise<string | undefined> {
  const { projectId, model } = await getConversation(runtime.db.orm, principal, conversationId)
  return model === null ? await findDefaultModel(runtime, principal, projectId) : undefined
}

function startAnswer(runtime: Runtime, principal: Principal, begun: BegunAnswer): AnswerEvents {
  const answer = new RunningAnswer(principal.orgId, begun.message)
  registerAnswer(answer, writeAnswer(runtime, principal, begun, answer))
  return followRunning(answer, FIRST_EVENT_ID, { type: 'message', conversation: begun.conversation, userMessage: begun.userMessage, message: begun.message })
}

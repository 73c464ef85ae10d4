import { setTimeout as sleep } from 'node:timers/promises'
import { LoomError } from '../errors'
import { isRowFault } from '../gateway/row-fault'
import type { Principal } from '../identity/principal'
import type { Runtime } from '../runtime'
import { notifyAnswers } from './answer-signals'
import type { PartAssembler, PartEvent } from './assemble-parts'
import { createPartAssembler } from './assemble-parts'
import type { BegunAnswer } from './begin-answer'
import { buildRequest } from './build-request'
import { findCaller } from './find-caller'
import { offerTools } from './offer-tools'
import { PacedEvents } from './paced-events'
import { reportFailure } from './report-failure'
import { runSteps } from './run-steps'
import type { RunningAnswer } from './running-answers'
import type { AnswerEnd, AnswerFigures } from './settle-answer'
import { answerEnd, settleAnswer } from './settle-answer'

const SETTLE_RETRY_MAX_MS = 5_000
const UNSTORABLE: AnswerEnd = { status: 'error', error: { code: 'internal_error', message: 'What the model wrote cannot be stored. Retry the answer.' } }

/**
 * Calls the model on the road and publishes and stores what it says, to the end: whoever watches may leave. Settles the
 * answer whatever happens, trying again for as long as the database is away.
 */
export async function writeAnswer(runtime: Runtime, principal: Principal, begun: BegunAnswer, answer: RunningAnswer): Promise<void> {
  const { orm } = runtime.db
  const { orgId } = answer
  const messageId = begun.message.id
  const assembler = createPartAssembler()
  const paced = new PacedEvents(event => runtime.eventLog.append(orgId, messageId, answer.publish(event)))
  const publish = (events: readonly PartEvent[]) => events.forEach(event => paced.push(event))

  const outcome = await callModel(runtime, principal, begun, answer, assembler, publish)
  const end = answerEnd(answer.stopReason, outcome.error)
  publish(assembler.finish(end.error))
  paced.flush()
  await runtime.eventLog.forget(messageId)
  answer.publish(await untilStored(runtime, { orgId, messageId }, () => settleAnswer(orm, orgId, messageId, end, outcome.call, answer.message.parts), () => settleAnswer(orm, orgId, messageId, UNSTORABLE, outcome.call, [])))
  await tellOthers(runtime, { orgId, messageId })
}

/** The call's outcome; a failure before the road could give one is an error without figures. */
async function callModel(
  runtime: Runtime, principal: Principal, begun: BegunAnswer, answer: RunningAnswer, assembler: PartAssembler, publish: (events: readonly PartEvent[]) => void
): Promise<{ call?: AnswerFigures, error: { code: string, message: string } | null }> {
  const { projectId, message: { id: messageId } } = begun
  try {
    // A model that is known to call none would refuse the whole call for the offer.
    const withTools = begun.tools && (await runtime.catalog.findModel(answer.orgId, begun.model))?.tools !== false
    const tools = withTools ? offerTools(begun.orgSettings) : undefined
    const [caller, { request, leftOutTurns }] = await Promise.all([
      findCaller(runtime.db.orm, principal, projectId),
      buildRequest(runtime, { ...begun, orgId: answer.orgId, withTools })
    ])
    const { call, error } = await runSteps({ runtime, answer, assembler, tools, projectId, scope: principal, allowed: new Set(begun.allowedTools), publish, ip: principal.ip }, caller, request)
    return { call: { ...call, leftOutTurns }, error }
  } catch (error) {
    if (error instanceof LoomError) return { error }
    reportFailure(runtime, 'chat_call', error, { orgId: answer.orgId, messageId })
    return { error: new LoomError('internal_error', 'Something went wrong on our side. Retry the answer.', { cause: error }) }
  }
}

/** Readers on other replicas need not wait for their next look; without this they only see the end later. */
async function tellOthers(runtime: Runtime, context: { orgId: string, messageId: string }): Promise<void> {
  try {
    await notifyAnswers(runtime.db, [context.messageId])
  } catch (error) {
    reportFailure(runtime, 'chat_notify', error, context)
  }
}

/** @param storeLess what to store instead once the database has refused what there is: it would refuse it for ever */
async function untilStored<Result>(runtime: Runtime, context: { orgId: string, messageId: string }, store: () => Promise<Result>, storeLess: () => Promise<Result>): Promise<Result> {
  let storeNext = store
  for (let delayMs = 250; ; delayMs = Math.min(delayMs * 2, SETTLE_RETRY_MAX_MS)) {
    try {
      return await storeNext()
    } catch (error) {
      reportFailure(runtime, 'chat_settle', error, context)
      if (isRowFault(error)) storeNext = storeLess
      await sleep(delayMs)
    }
  }
}

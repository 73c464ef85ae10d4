import { LoomError } from '../errors'
import type { CallOutcome } from '../gateway/call-context'
import { callChat } from '../gateway/call-chat'
import type { ChatChunk } from '../gateway/operations/assemble-completion'
import type { Principal } from '../identity/principal'
import { requireRunning } from '../operations/require-running'
import { getProject } from '../projects/get-project'
import type { Runtime } from '../runtime'
import type { AskTemporarily, TemporaryEvent } from '../../shared/temporary-chat'
import { windowOf } from '../../shared/context-window'
import { toRequestFields } from '../../shared/model-parameters'
import { createPartAssembler } from './assemble-parts'
import { findDefaultModel } from './default-model'
import { findCaller } from './find-caller'
import { inherit } from './inherit-settings'
import { reportFailure } from './report-failure'
import { trimContext } from './trim-context'

/** Calls back with the events of the answer; resolves after the last one. `signal` ends the call. */
export type TemporaryEvents = (emit: (item: { id: number, event: TemporaryEvent }) => void, signal: AbortSignal) => Promise<void>

/**
 * The next answer of a chat that is kept nowhere: nothing of it is written but what every paid call leaves, its charge and a trace without
 * bodies. Whoever leaves stops it.
 * @throws {LoomError} `not_found` when the scope has no such project, `invalid_request` when there is no model, `service_unavailable` while stopping
 */
export async function askTemporarily(runtime: Runtime, principal: Principal, projectId: string, { messages, model, systemPrompt = '', parameters = {} }: AskTemporarily): Promise<TemporaryEvents> {
  requireRunning(runtime)
  const project = await getProject(runtime.db.orm, principal, projectId)
  const chosen = model ?? project.defaultModel ?? await findDefaultModel(runtime, principal, projectId)
  if (chosen === undefined) throw new LoomError('invalid_request', 'There is no model to answer. Set up a connection first.', { param: 'model' })
  const thread = messages.map(({ role, text }) => ({ role, content: text }))
  const settings = inherit(project, { systemPrompt, parameters })
  const context = trimContext({ instructions: settings.instructions, shown: [] }, thread, windowOf(await runtime.catalog.findModel(principal.orgId, chosen)))
  const body = { model: chosen, messages: context.messages, ...toRequestFields(settings.parameters), stream_options: { include_usage: true } }
  const caller = { ...await findCaller(runtime.db.orm, principal, projectId), traceBodies: false }
  return async (emit, signal) => {
    let id = 0
    const assembler = createPartAssembler()
    const publish = (events: (ReturnType<typeof assembler.take>[number] | TemporaryEvent)[]) => {
      // No tool is offered here, so none asks.
      for (const event of events) if (event.type !== 'approval') emit({ id: ++id, event })
    }
    let pictures = 0
    const onChunk = (chunk: ChatChunk) => {
      publish(assembler.take(chunk))
      pictures += assembler.newPictures().length
    }
    const outcome = await callModel(runtime, () => callChat(runtime, caller, body, { signal, ip: principal.ip, onChunk }))
    const error = outcome.error ? { code: outcome.error.code, message: outcome.error.message } : assembler.shortfall()
    if (pictures > 0) publish(assembler.say('[A temporary chat keeps no pictures: ask in a chat that is kept.]'))
    publish([...assembler.finish(error), { type: 'end', error, leftOutTurns: context.leftOutTurns, figures: outcome.call ? figuresOf(outcome.call) : null }])
  }
}

async function callModel(runtime: Runtime, work: () => Promise<CallOutcome>): Promise<{ call?: CallOutcome, error: LoomError | null }> {
  try {
    const call = await work()
    return { call, error: call.error }
  } catch (error) {
    if (error instanceof LoomError) return { error }
    reportFailure(runtime, 'chat_call', error, {})
    return { error: new LoomError('internal_error', 'Something went wrong on our side. Ask again.', { cause: error }) }
  }
}

function figuresOf({ head, usage, costNanoUsd, latencyMs, ttfbMs }: CallOutcome) {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage
  return {
    provider: head.provider, model: head.model, inputTokens, outputTokens, cachedInputTokens, reasoningTokens,
    costNanoUsd: costNanoUsd.toString(), latencyMs: Math.round(latencyMs), ttfbMs: ttfbMs === null ? null : Math.round(ttfbMs), traceId: head.requestId
  }
}

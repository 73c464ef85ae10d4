import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { Author } from '../audit/record'
import { recordChange } from '../audit/record'
import { findCaller } from '../chat/find-caller'
import { LoomError } from '../errors'
import { callChat } from '../gateway/call-chat'
import { isByInput } from '../gateway/operations/chat-by-input'
import { requireRunning } from '../operations/require-running'
import type { Runtime } from '../runtime'
import { parseJson } from '../../shared/parse-json'
import type { ReplayedTrace, ReplayTrace } from '../../shared/traces'
import { getTrace } from './get-trace'

const ChatBody = z.looseObject({ messages: z.array(z.unknown()).min(1) })
/** Endpoints whose bodies are those of chat completions. */
const replayable = new Set(['chat', 'chat.completions', '/v1/chat/completions'])

/**
 * Asks another model what a traced chat call asked, as the author and at their org's cost, on the same road: the answer is a trace of its own. That the body
 * was read, and where it went, is in the audit log before it goes.
 * @throws {LoomError} `invalid_request` for a call that was no chat, or whose body was not kept; `service_unavailable` while stopping
 */
export async function replayTrace(runtime: Pick<Runtime, 'db' | 'keyring' | 'gateway' | 'stopping'>, author: Author, id: string, { model }: ReplayTrace, signal: AbortSignal): Promise<ReplayedTrace> {
  requireRunning(runtime)
  const { principal } = author
  const trace = await getTrace(runtime.db.orm, runtime.keyring, principal, id, true)
  if (!replayable.has(trace.endpoint)) throw new LoomError('invalid_request', 'Only calls of chat completions can be replayed.')
  const asked = trace.requestBody === null ? undefined : parseJson(trace.requestBody)
  if (isByInput(asked)) throw new LoomError('invalid_request', 'This chat was asked for in the format of responses, which cannot be replayed.')
  const body = ChatBody.safeParse(asked).data
  if (!body) throw new LoomError('invalid_request', 'The body of this call was not kept, so it cannot be replayed.')
  const caller = await findCaller(runtime.db.orm, principal, trace.projectId)
  const { models: _, ...question } = body
  const traceId = uuidv7()
  await runtime.db.orm.transaction(tx => recordChange(tx, author, { action: 'trace.replay', target: `trace:${id}`, after: { model, traceId } }))
  const { error } = await callChat(runtime, caller, { ...question, model }, { signal, ip: principal.ip, requestId: traceId, onChunk: () => {} })
  return { traceId, error: error?.message ?? null }
}

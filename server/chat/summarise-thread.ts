import { LoomError } from '../errors'
import { callChat } from '../gateway/call-chat'
import type { Principal } from '../identity/principal'
import { requireRunning } from '../operations/require-running'
import type { Runtime } from '../runtime'
import type { Conversation } from '../../shared/conversations'
import { SYSTEM_PROMPT_MAX } from '../../shared/conversations'
import { createPartAssembler } from './assemble-parts'
import { buildRequest } from './build-request'
import { findDefaultModel } from './default-model'
import { findCaller } from './find-caller'

const ASK = 'Summarise this conversation for somebody who takes it up where it ends: what was wanted, what was decided and why, facts, names, figures and code that still matter, and what is open. Only the summary, in the language of the conversation, at most 600 words.'
const HEADING = 'What was said before, in short'

/**
 * The system prompt of a conversation that goes on from the end of a branch: the old one's, and a summary of what was said, as far as the model can read it; what it could not is named.
 * @throws {LoomError} `invalid_request` when there is no model, `service_unavailable` while stopping, and whatever the call is refused with
 */
export async function summariseThread(runtime: Runtime, caller: Principal, from: Conversation, lastId: string, model: string | undefined): Promise<string> {
  requireRunning(runtime)
  const chosen = model ?? from.model ?? await findDefaultModel(runtime, caller, from.projectId)
  if (chosen === undefined) throw new LoomError('invalid_request', 'There is no model to summarise with. Set up a connection first.', { param: 'model' })
  const { request: { messages }, leftOutTurns } = await buildRequest(runtime, { orgId: caller.orgId, projectId: from.projectId, model: chosen, instructions: from.systemPrompt, parameters: {}, parentId: lastId, withTools: false })
  const answer = createTextReader()
  const call = await callChat(runtime, await findCaller(runtime.db.orm, caller, from.projectId), { model: chosen, messages: [...messages, { role: 'user', content: ASK }], stream_options: { include_usage: true } }, {
    signal: AbortSignal.timeout(SUMMARY_TIMEOUT_MS),
    ip: caller.ip,
    conversationId: from.id,
    onChunk: answer.take
  })
  if (call.error) throw call.error
  return [from.systemPrompt, `${HEADING}${leftOutTurns > 0 ? `, without the oldest ${leftOutTurns === 1 ? 'question' : `${leftOutTurns} questions`}, too much to read` : ''}:`, answer.text().trim()].filter(Boolean).join('\n\n').slice(0, SYSTEM_PROMPT_MAX)
}

const SUMMARY_TIMEOUT_MS = 120_000

/** The words of an answer, without what the model thought. */
function createTextReader() {
  const assembler = createPartAssembler()
  const texts = new Map<number, string>()
  return {
    take(chunk: Record<string, unknown>): void {
      for (const event of assembler.take(chunk)) {
        if (event.type === 'part' && event.part.type === 'text') texts.set(event.part.index, event.part.text)
        const known = event.type === 'delta' ? texts.get(event.index) : undefined
        if (event.type === 'delta' && known !== undefined) texts.set(event.index, known + event.text)
      }
    },
    text: () => [...texts.values()].join('\n\n')
  }
}

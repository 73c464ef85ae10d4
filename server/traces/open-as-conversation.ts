import { v7 as uuidv7 } from 'uuid'
import { conversations, messageParts, messages } from '../../db/schema'
import type { Author } from '../audit/record'
import { recordChange } from '../audit/record'
import { getConversation } from '../chat/get-conversation'
import { titleFromText } from '../chat/title-from-text'
import { LoomError } from '../errors'
import { getProject } from '../projects/get-project'
import type { Runtime } from '../runtime'
import { SYSTEM_PROMPT_MAX } from '../../shared/conversations'
import type { Conversation } from '../../shared/conversations'
import { toStorableText } from '../../shared/json'
import { readDialogue } from '../../shared/read-dialogue'
import type { DialogueTurn } from '../../shared/read-dialogue'
import { getTrace } from './get-trace'

/** Rows a statement, so that it stays bounded. */
const ROWS_MAX = 500

/**
 * A conversation of the principal's with what was said in a traced call, to be gone on with: what it was charged stays with the trace. Who calls has checked
 * that bodies may be seen; that they were is an entry in the audit log.
 * @throws {LoomError} `not_found` for the trace or project, `invalid_request` for a call in which nothing was said, or whose bodies were not kept
 */
export async function openAsConversation({ db, keyring }: Pick<Runtime, 'db' | 'keyring'>, author: Author, traceId: string, projectId: string): Promise<Conversation> {
  const { principal } = author
  const { orgId, userId } = principal
  const trace = await getTrace(db.orm, keyring, principal, traceId, true)
  await getProject(db.orm, principal, projectId)
  const { systemPrompt, turns } = toThread(readDialogue(trace.requestBody, trace.responseBody) ?? [])
  if (turns.length === 0) throw new LoomError('invalid_request', 'Nothing was said in this call, or its bodies were not kept, so it cannot become a conversation.')
  if (systemPrompt.length > SYSTEM_PROMPT_MAX) throw new LoomError('invalid_request', `The instructions of this call are longer than a conversation's may be (${SYSTEM_PROMPT_MAX} characters).`)
  const id = uuidv7()
  // Made one after the other, so they sort as they were said.
  const said = turns.map(turn => ({ ...turn, id: uuidv7() }))
  const at = new Date(trace.createdAt)
  await db.orm.transaction(async (tx) => {
    await tx.insert(conversations).values({
      id, orgId, projectId, userId, systemPrompt, model: trace.requestedModel, shownMessageId: said.at(-1)?.id,
      title: toStorableText(titleFromText(said.find(({ role }) => role === 'user')?.text ?? '')) || 'From a trace'
    })
    for (let start = 0; start < said.length; start += ROWS_MAX) {
      const rows = said.slice(start, start + ROWS_MAX)
      await tx.insert(messages).values(rows.map((turn, index) => ({
        id: turn.id, orgId, conversationId: id, parentId: said[start + index - 1]?.id, role: turn.role, status: 'complete' as const, createdAt: at,
        ...turn.role === 'assistant' && { provider: trace.provider, model: trace.model }
      })))
      await tx.insert(messageParts).values(rows.map(turn => ({ orgId, messageId: turn.id, index: 0, type: 'text' as const, content: { text: toStorableText(turn.text) }, startedAt: at, completedAt: at })))
    }
    await recordChange(tx, author, { action: 'trace.open', target: `trace:${traceId}`, after: { conversationId: id, projectId } })
  })
  return getConversation(db.orm, principal, id)
}

/** Instructions are the conversation's; who speaks takes turns: what tools said stands with the answer that asked them. */
function toThread(dialogue: readonly DialogueTurn[]) {
  const isInstruction = ({ role }: DialogueTurn) => role === 'system' || role === 'developer'
  const turns: { role: 'user' | 'assistant', text: string }[] = []
  for (const turn of dialogue) {
    if (isInstruction(turn) || turn.text === '') continue
    const role = turn.role === 'user' ? 'user' : 'assistant'
    const last = turns.at(-1)
    if (last?.role === role) last.text += `\n\n${turn.text}`
    else turns.push({ role, text: turn.text })
  }
  return { systemPrompt: toStorableText(dialogue.filter(isInstruction).map(({ text }) => text).join('\n\n')), turns }
}

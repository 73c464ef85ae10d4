import { and, asc, count, eq, inArray, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { prepareOnce } from '../../db/prepare-once'
import { messageParts, messages } from '../../db/schema'
import { BRANCH_MESSAGES_MAX, branchIds } from './select-messages'
import type { ContextCall, ContextFile, ContextMessage } from './trim-context'

/** However long a thread is, no more of its newest messages are looked at for one answer. */
const THREAD_MESSAGES_MAX = 400

const read = ['text', 'image', 'file'] as const
const readWithTools = [...read, 'tool_call', 'tool_result'] as const
const Content = z.object({ text: z.string().optional(), arguments: z.string().optional() })
const File = z.object({ fileId: z.string(), name: z.string(), mime: z.string(), sizeBytes: z.number() })

interface Thread {
  messages: ContextMessage[]
  /** Questions above the oldest of them. */
  turnsAbove: number
}

/** A refusal of what was attached, in the words of whoever refuses it; one without any words, or with those of any refusal, may be that. */
const OF_FILES = String.raw`(^|[^a-z])(image|picture|photo|media|mime|file|document|pdf|pixel|base64|vision|modalit|multi-?modal|attachment|content.?(type|part)|content must|unknown variant)|(payload|entity|body).{0,20}too large|number of bytes|answered with status|invalid argument|provider returned error|bad request|图|文件`

/** Of a question with files: whether each answer to it was refused for them. Another one with the same files would be as well, and so on to the end of the conversation. */
const wasRefused = sql<boolean>`${messageParts.type} in ('image', 'file') and (
  select coalesce(bool_and(answer.error_type is not distinct from 'invalid_request' and coalesce(answer.error, '') ~* ${OF_FILES}), false) from messages answer
   where answer.org_id = ${messages.orgId} and answer.parent_id = ${messages.id} and answer.role = 'assistant')`

const prepareParts = (types: readonly (typeof readWithTools)[number][]) => prepareOnce((orm) => {
  const [orgId, lastId] = [sql.placeholder('orgId'), sql.placeholder('lastId')]
  return orm
    .select({ id: messages.id, parentId: messages.parentId, role: messages.role, contextTokens: messages.contextTokens, leftOutTurns: messages.leftOutTurns, type: messageParts.type, content: messageParts.content, toolName: messageParts.toolName, toolCallId: messageParts.toolCallId, refused: wasRefused })
    .from(messages)
    .innerJoin(messageParts, and(eq(messageParts.messageId, messages.id), inArray(messageParts.type, types)))
    .where(and(eq(messages.orgId, orgId), eq(messageParts.orgId, orgId), sql`${messages.id} = any(${branchIds(orgId, sql`${lastId}::uuid`, THREAD_MESSAGES_MAX)})`))
    .orderBy(asc(messages.id), asc(messageParts.index))
    .prepare('parts_of_thread')
})
const textParts = prepareParts(read)
const partsWithTools = prepareParts(readWithTools)

/**
 * The branch that ends with `lastId`, oldest first, as a model reads it: text and attachments, and `withTools` the calls that came to an end
 * with their results. Reasoning and errors are left out, and so are answers that said nothing. An answer and what continues it are one.
 */
export async function readThread(orm: Orm, orgId: string, lastId: string, withTools: boolean): Promise<Thread> {
  const rows = await (withTools ? partsWithTools : textParts)(orm).execute({ orgId, lastId })
  const thread: ContextMessage[] = []
  for (const parts of Object.values(Object.groupBy(rows, ({ id }) => id))) if (parts) addMessage(thread, parts)
  const aboveId = rows[0]?.parentId
  return { messages: thread.filter(isSomething), turnsAbove: aboveId ? await countTurns(orm, orgId, aboveId) : 0 }
}

/** The questions of a branch. */
async function countTurns(orm: Orm, orgId: string, lastId: string): Promise<number> {
  const branch = branchIds(orgId, sql`${lastId}::uuid`, BRANCH_MESSAGES_MAX)
  const [counted] = await orm.select({ turns: count() }).from(messages).where(and(eq(messages.orgId, orgId), eq(messages.role, 'user'), sql`${messages.id} = any(${branch})`))
  return counted?.turns ?? 0
}

type PartRow = Pick<typeof messageParts.$inferSelect, 'type' | 'content' | 'toolName' | 'toolCallId'> & Pick<typeof messages.$inferSelect, 'role' | 'contextTokens' | 'leftOutTurns'> & { refused: boolean }

function addMessage(thread: ContextMessage[], parts: readonly PartRow[]): void {
  const ended = new Set(parts.flatMap(({ type, toolCallId }) => type === 'tool_result' ? [toolCallId] : []))
  let begins = true
  for (const { role, type, content, toolName, toolCallId, refused } of parts) {
    if (role === 'tool') continue
    if (type === 'tool_call' && !ended.has(toolCallId)) continue
    const { text = '', arguments: written = '{}' } = Content.parse(content)
    if (type === 'tool_result') {
      thread.push({ role: 'tool', content: text, toolCallId: toolCallId ?? '' })
      continue
    }
    const message = openMessage(thread, role, begins)
    if (type === 'text') message.content += !begins && message.content !== '' ? `\n\n${text}` : text
    else if (type === 'tool_call') (message.calls ??= []).push({ toolCallId: toolCallId ?? '', toolName: toolName ?? '', arguments: written } satisfies ContextCall)
    else (message.files ??= []).push({ ...File.parse(content), refused } satisfies ContextFile)
    begins = false
  }
  const [{ role, contextTokens, leftOutTurns } = {}] = parts
  const last = thread.at(-1)
  // Also where there is none: the count of an answer is not that of what continues it.
  if (last && role === 'assistant') last.countedTokens = contextTokens && leftOutTurns === 0 ? contextTokens : undefined
}

/** An answer goes on with the one before it; somebody's message stands for itself. */
function openMessage(thread: ContextMessage[], role: 'system' | 'user' | 'assistant', begins: boolean): ContextMessage {
  const last = thread.at(-1)
  if (last && last.role === role && (role === 'assistant' || !begins)) return last
  const message: ContextMessage = { role, content: '' }
  thread.push(message)
  return message
}

const isSomething = ({ content, files, calls, role }: ContextMessage) => role === 'tool' || content !== '' || files !== undefined || calls !== undefined

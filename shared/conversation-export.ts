import { z } from './zod'
import { Id, Timestamp, storableText } from './json'
import { Message, MessagePart } from './messages'
import { ModelName } from './model-parameters'

/** `GET /api/conversations/{id}/export` */
export const ExportQuery = z.object({ format: z.enum(['markdown', 'json']).default('markdown') })
export type ExportQuery = z.infer<typeof ExportQuery>

/** What `GET /api/conversations/{id}/export?format=json` answers: the whole tree, oldest message first. */
export const ConversationExport = z.object({
  format: z.literal('loom.conversation'),
  version: z.literal(1),
  title: z.string(),
  model: z.string().nullable(),
  createdAt: Timestamp,
  /** The end of the branch that is shown. */
  shownMessageId: Id.nullable(),
  messages: z.array(Message)
})
export type ConversationExport = z.infer<typeof ConversationExport>

/** The largest export that is taken back, in bytes, and the most messages in it. */
export const IMPORT_MAX_BYTES = 32 * 1024 * 1024
const IMPORT_MESSAGES_MAX = 20_000
const IMPORT_TEXT_MAX = 4 * 1024 * 1024

/** `POST /api/projects/{id}/import`: what `GET …/export?format=json` gave. Costs and traces stay where they were; ids are made anew. */
export const ImportConversation = ConversationExport.extend({
  title: storableText(200),
  model: ModelName.nullable(),
  messages: z.array(Message.extend({ parts: z.array(MessagePart).max(1_000), model: storableText(200).nullable(), provider: storableText(100).nullable() })).max(IMPORT_MESSAGES_MAX)
}).superRefine(({ messages, shownMessageId }, context) => {
  const problem = findImportProblem(messages, shownMessageId)
  if (problem) context.addIssue({ code: 'custom', path: ['messages'], message: problem })
})
export type ImportConversation = z.infer<typeof ImportConversation>

/** Each message once, after the one it follows, with words that can be stored: so that they form a tree. */
function findImportProblem(messages: readonly Message[], shownMessageId: string | null): string | undefined {
  const seen = new Set<string>()
  for (const { id, parentId, status, parts } of messages) {
    if (seen.has(id)) return 'A message is in it twice'
    if (parentId !== null && !seen.has(parentId)) return 'A message comes before the one it follows'
    if (status === 'pending' || status === 'streaming') return 'An answer in it is unfinished'
    if (parts.some((part, index) => part.index !== index)) return 'The parts of a message are not in order'
    if (parts.some(part => lengthOf(part) > IMPORT_TEXT_MAX)) return 'A message in it is too long'
    seen.add(id)
  }
  return shownMessageId === null || seen.has(shownMessageId) ? undefined : 'The message that is shown is not in it'
}

const lengthOf = (part: MessagePart) => 'text' in part ? part.text.length : JSON.stringify(part).length

import { z } from './zod'
import { Id, Timestamp, storableText } from './json'
import { Message, MessagePart } from './messages'
import { ARTIFACT_MAX } from './artifacts'
import { Conversation, SYSTEM_PROMPT_MAX } from './conversations'
import { toFileName } from './file-name'
import { ModelName, ModelParameters } from './model-parameters'
import { untilFault } from './until-fault'

/** `GET /api/conversations/{id}/export` */
export const ExportQuery = z.object({ format: z.enum(['markdown', 'json']).default('markdown') })
export type ExportQuery = z.infer<typeof ExportQuery>

/** A document that a tool made, of which the export's tool result at that place names path and version. */
const ExportedDocument = z.object({
  messageId: Id,
  partIndex: z.int(),
  /** Images are in base64. */
  encoding: z.enum(['text', 'base64']),
  content: z.string()
})
export type ExportedDocument = z.infer<typeof ExportedDocument>

/** The newest documents of a conversation that an export holds, in bytes; older ones are left out, so that it can be imported again. */
export const EXPORTED_DOCUMENTS_MAX_BYTES = 8 * 1024 * 1024

/** What `GET /api/conversations/{id}/export?format=json` answers: the whole tree, oldest message first. */
export const ConversationExport = z.object({
  format: z.literal('loom.conversation'),
  version: z.literal(2),
  title: z.string(),
  model: z.string().nullable(),
  systemPrompt: z.string(),
  parameters: ModelParameters,
  /** Whether its answers may call tools. */
  tools: z.boolean(),
  createdAt: Timestamp,
  /** The end of the branch that is shown. */
  shownMessageId: Id.nullable(),
  messages: z.array(Message),
  documents: z.array(ExportedDocument)
})
export type ConversationExport = z.infer<typeof ConversationExport>

/** The largest export that is taken back, in bytes, and the most messages in it. */
export const IMPORT_MAX_BYTES = 32 * 1024 * 1024
const IMPORT_MESSAGES_MAX = 20_000
const IMPORT_DOCUMENTS_MAX = 5_000
const IMPORT_TEXT_MAX = 8 * 1024 * 1024

const ImportedMessage = Message.extend({
  siblingIds: z.array(Id).max(IMPORT_MESSAGES_MAX),
  parts: z.array(MessagePart).max(1_000),
  model: storableText(200).nullable(),
  provider: storableText(100).nullable()
})

/** `POST /api/projects/{id}/import`: what `GET …/export?format=json` gave, now or in version 1. Costs and traces stay where they were; ids are made anew. */
export const ImportConversation = ConversationExport.extend({
  version: z.union([z.literal(1), z.literal(2)]),
  title: storableText(200),
  model: ModelName.nullable(),
  systemPrompt: storableText(SYSTEM_PROMPT_MAX).default(''),
  parameters: ModelParameters.default({}),
  tools: z.boolean().default(false),
  documents: z.array(ExportedDocument.extend({ content: z.string().max(ARTIFACT_MAX) })).max(IMPORT_DOCUMENTS_MAX).default([]),
  messages: z.array(z.unknown()).max(IMPORT_MESSAGES_MAX).transform(untilFault(ImportedMessage))
}).superRefine(({ messages, shownMessageId, documents }, context) => {
  const problem = findImportProblem(messages, shownMessageId)
  if (problem) context.addIssue({ code: 'custom', path: ['messages'], message: problem })
  const misplaced = findDocumentProblem(messages, documents)
  if (misplaced) context.addIssue({ code: 'custom', path: ['documents'], message: misplaced })
})
export type ImportConversation = z.infer<typeof ImportConversation>

/** Answer of `POST /api/projects/{id}/import`. */
export const ImportedConversation = Conversation.extend({
  /** Files that went with its messages: an export names them, and does not hold them. */
  leftOutFiles: z.int()
})
export type ImportedConversation = z.infer<typeof ImportedConversation>

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

/** Each the version of a path that a tool's result names, and no version twice. */
function findDocumentProblem(messages: readonly Message[], documents: readonly ExportedDocument[]): string | undefined {
  const byId = new Map(messages.map(message => [message.id, message]))
  const seen = new Set<string>()
  for (const { messageId, partIndex } of documents) {
    const part = byId.get(messageId)?.parts[partIndex]
    if (part?.type !== 'tool_result' || !part.artifact) return 'A document is of no tool that is in it'
    const { path, version } = part.artifact
    if (path !== toFileName(path) || version < 1) return 'A document has a name that no tool gives'
    if (seen.has(`${version} ${path}`)) return 'A version of a document is in it twice'
    seen.add(`${version} ${path}`)
  }
  return undefined
}

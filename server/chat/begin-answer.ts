import { and, eq, sql, TransactionRollbackError } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { conversations, messageParts, messages, orgs, projects } from '../../db/schema'
import { LoomError } from '../errors'
import { attachFiles } from '../files/attach-files'
import type { AttachedFile } from '../files/attach-files'
import type { Scope } from '../projects/scope'
import type { SendMessage } from '../../shared/answers'
import type { Conversation } from '../../shared/conversations'
import type { Message, MessagePart } from '../../shared/messages'
import type { ModelParameters } from '../../shared/model-parameters'
import { findMessage } from './find-message'
import { getConversation } from './get-conversation'
import { inherit } from './inherit-settings'
import { nextMessageId } from './message-id'
import { conversationNotFound, openConversations } from './select-conversations'
import { newestMessageId, selectMessages, toPartRow } from './select-messages'
import { titleFromText } from './title-from-text'

const ToolNames = z.array(z.string())

/** Where an answer is wanted, and from which model. */
export interface AnswerPlace {
  conversationId: string
  /** The process that will write it. */
  replicaId: string
  /** Chosen now, and the conversation's from now on. */
  model: string | undefined
  /** Likewise, whether answers may call tools. */
  tools: boolean | undefined
  /** Answers when neither the conversation nor its project has chosen one. */
  fallbackModel: string | undefined
}

/** An answer that the database knows as `pending`: nobody else can start one in its conversation. */
export interface BegunAnswer {
  projectId: string
  /** Of the project, then of the conversation. */
  instructions: string
  parameters: ModelParameters
  model: string
  /** Whether it may call tools, and which of those that ask were told "always". */
  tools: boolean
  allowedTools: string[]
  /** The org's, as they are stored. */
  orgSettings: unknown
  /** The end of the thread it answers: a user's message, or the answer it continues. */
  parentId: string
  /** The row of that message when it was stored just now. */
  userMessage: Message | null
  /** Its own row, without parts yet. */
  message: Message
  /** As it is with that answer running. */
  conversation: Conversation
}

/**
 * Stores the user's message, where `parentId` says, and a `pending` answer below it, both or neither; the branch they end is shown from now on.
 * An untitled conversation takes its title from the message. Undefined when it was stored before under its `clientId`: then nothing changes.
 * @throws {LoomError} `not_found`, `conflict` while another answer is running, `invalid_request` when there is no model or `parentId` is neither the end of the shown branch nor an answer
 */
export async function beginAnswer(orm: Orm, caller: Scope, place: AnswerPlace, { text, clientId, fileIds = [], parentId }: Pick<SendMessage, 'text' | 'clientId' | 'fileIds' | 'parentId'>): Promise<BegunAnswer | undefined> {
  const { orgId } = caller
  const begun = orm.transaction(async (tx) => {
    const attached = await attachFiles(tx, caller, fileIds)
    const conversation = await touchConversation(tx, caller, place, { title: titleFromText(text.trim() || attached.map(({ name }) => name).join(', ')), clientId })
    if (conversation.sentBefore) tx.rollback()
    // What the conversation ends with may be followed whatever it is, as it is when no parent is named.
    if (parentId && parentId !== conversation.shownMessageId) await requireAnswer(tx, caller, place.conversationId, parentId, 'A message follows an answer.')
    const userMessageId = nextMessageId(conversation.newestMessageId ?? undefined)
    const question = [
      tx.insert(messages).values({
        id: userMessageId, orgId, conversationId: place.conversationId, clientId, parentId: parentId === undefined ? conversation.shownMessageId : parentId, role: 'user', status: 'complete'
      }),
      tx.insert(messageParts).values(toUserParts(text, attached).map(part => toPartRow(orgId, userMessageId, part)))
    ]
    return insertAnswer(tx, caller, place.replicaId, userMessageId, conversation, question)
  })
  return begun.catch((error: unknown) => {
    if (error instanceof TransactionRollbackError) return undefined
    throw error
  })
}

/**
 * Stores a `pending` answer beside another one, to the same message.
 * @throws {LoomError} `not_found`, `conflict` while another answer is running, `invalid_request` when `messageId` is no answer or there is no model
 */
export async function beginRetry(orm: Orm, caller: Scope, place: AnswerPlace, messageId: string): Promise<BegunAnswer> {
  return orm.transaction(async (tx) => {
    const conversation = await touchConversation(tx, caller, place)
    const answer = await requireAnswer(tx, caller, place.conversationId, messageId, 'Only an answer can be retried.')
    return insertAnswer(tx, caller, place.replicaId, answer.parentId, conversation)
  })
}

/**
 * Stores a `pending` answer below another one, to go on with it.
 * @throws {LoomError} as `beginRetry`
 */
export async function beginContinuation(orm: Orm, caller: Scope, place: AnswerPlace, messageId: string): Promise<BegunAnswer> {
  return orm.transaction(async (tx) => {
    const conversation = await touchConversation(tx, caller, place)
    await requireAnswer(tx, caller, place.conversationId, messageId, 'Only an answer can be continued.')
    return insertAnswer(tx, caller, place.replicaId, messageId, conversation)
  })
}

/** What somebody sends: the words first, unless there are none. */
function toUserParts(text: string, attached: readonly AttachedFile[]): MessagePart[] {
  const at = new Date().toJSON()
  const contents = [...text.trim() === '' ? [] : [{ type: 'text' as const, text }], ...attached]
  return contents.map((content, index) => ({ ...content, index, startedAt: at, completedAt: at }))
}

async function requireAnswer(tx: Orm, caller: Scope, conversationId: string, messageId: string, otherwise: string): Promise<{ parentId: string }> {
  const { role, parentId } = await findMessage(tx, caller, conversationId, messageId)
  if (role !== 'assistant' || parentId === null) throw new LoomError('invalid_request', otherwise)
  return { parentId }
}

interface TouchedConversation {
  id: string
  projectId: string
  shownMessageId: string | null
  newestMessageId: string | null
  /** Whether the message to be stored is there already. */
  sentBefore: boolean
  model: string
  instructions: string
  tools: boolean
  allowedTools: string[]
  orgSettings: unknown
  parameters: ModelParameters
}

interface SentMessage {
  /** What an untitled conversation is called from now on. */
  title: string
  clientId: string | undefined
}

/** Moves the conversation up its list, under its row lock: who comes second waits here and then sees the first one's messages. */
async function touchConversation(tx: Orm, caller: Scope, { conversationId, model, tools, fallbackModel }: AnswerPlace, sent?: SentMessage): Promise<TouchedConversation> {
  const touched = tx.update(conversations)
    .set({
      lastActiveAt: sql`now()`,
      model,
      tools,
      title: sent && sql`case when ${conversations.title} = '' then ${sent.title} else ${conversations.title} end`
    })
    .where(and(openConversations(caller), eq(conversations.id, conversationId)))
    .returning({ projectId: conversations.projectId, model: conversations.model, shownMessageId: conversations.shownMessageId, tools: conversations.tools, allowedTools: conversations.allowedTools, systemPrompt: conversations.systemPrompt, parameters: conversations.parameters })
    .execute()
  // Sent at once with it and run once the row is locked: only now is it settled which messages there are.
  const seen = tx
    .select({
      instructions: projects.instructions, parameters: projects.parameters, defaultModel: projects.defaultModel, orgSettings: orgs.settings, newestMessageId: sql<string | null>`(${newestMessageId(caller.orgId, conversationId)})`,
      sentBefore: sent?.clientId === undefined ? sql<boolean>`false` : sql<boolean>`exists (${clientMessage(caller.orgId, conversationId, sent.clientId)})`
    })
    .from(projects)
    .innerJoin(conversations, eq(conversations.projectId, projects.id))
    .innerJoin(orgs, eq(orgs.id, projects.orgId))
    .where(and(eq(projects.orgId, caller.orgId), eq(conversations.orgId, caller.orgId), eq(conversations.id, conversationId)))
    .execute()
  const [[conversation], [project]] = await Promise.all([touched, seen])
  if (!conversation) throw conversationNotFound()
  if (!project) throw conversationNotFound()
  const chosenModel = conversation.model ?? project.defaultModel ?? fallbackModel
  if (chosenModel === undefined) throw new LoomError('invalid_request', 'There is no model to answer. Set up a connection first.', { param: 'model' })
  const { instructions, parameters } = inherit(project, conversation)
  const { projectId, shownMessageId } = conversation
  return { id: conversationId, projectId, shownMessageId, newestMessageId: project.newestMessageId, sentBefore: project.sentBefore, model: chosenModel, instructions, parameters, tools: conversation.tools, allowedTools: ToolNames.parse(conversation.allowedTools), orgSettings: project.orgSettings }
}

/** The message that its sender named so. */
const clientMessage = (orgId: string, conversationId: string, clientId: string) =>
  sql`select from ${messages} where org_id = ${orgId} and conversation_id = ${conversationId} and client_id = ${clientId}`

/** The answer to `parentId`; that message is given back with it when it is newer than all the conversation had, as one is that `question` stores. */
async function insertAnswer(
  tx: Orm, caller: Scope, replicaId: string, parentId: string, conversation: TouchedConversation, question: readonly { execute: () => Promise<unknown> }[] = []
): Promise<BegunAnswer> {
  const { orgId } = caller
  const messageId = nextMessageId(laterOf(parentId, conversation.newestMessageId))
  const isNew = conversation.newestMessageId === null || parentId > conversation.newestMessageId
  // Sent all at once, and run one after the other: none is made of what the one before it gave.
  const asked = question.map(statement => statement.execute())
  const answered = tx.insert(messages)
    .values({ id: messageId, orgId, conversationId: conversation.id, parentId, role: 'assistant', status: 'pending', model: conversation.model, replica: replicaId })
    // The partial unique index refuses a second running answer, on whichever replica it is.
    .onConflictDoNothing({ target: messages.conversationId, where: sql`status in ('pending', 'streaming')` })
    .returning({ id: messages.id })
    .execute()
  const shown = tx.update(conversations).set({ shownMessageId: messageId }).where(and(eq(conversations.orgId, orgId), eq(conversations.id, conversation.id))).execute()
  const stored = selectMessages(tx, orgId, isNew ? [parentId, messageId] : [messageId])
  const changed = getConversation(tx, caller, conversation.id)
  const [inserted, rows, begun] = await Promise.all([answered, stored, changed, shown, ...asked])
  if (inserted.length === 0) throw new LoomError('conflict', 'An answer is still being written in this conversation. Wait for it or stop it.')
  const message = rows.at(-1)
  if (!message) throw conversationNotFound()
  const { projectId, instructions, parameters, model, tools, allowedTools, orgSettings } = conversation
  return { projectId, instructions, parameters, model, tools, allowedTools, orgSettings, parentId, userMessage: isNew ? rows[0] ?? null : null, message, conversation: begun }
}

/** Ids order a thread: the answer comes after its question and, on a retry, after the answer it replaces. */
function laterOf(id: string, other: string | null): string {
  return other !== null && other > id ? other : id
}

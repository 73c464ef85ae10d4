import { once } from 'node:events'
import type { SQL } from 'drizzle-orm'
import { and, desc, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { Database } from '../../db/client'
import { conversations } from '../../db/schema'
import { CLOSED_CHANNEL } from '../platform/lock-org'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { ChangesQuery, ConversationChange } from '../../shared/conversation-changes'
import type { Conversation } from '../../shared/conversations'
import { selectConversations, toConversation } from './select-conversations'

/** Sent by a trigger on `conversations` as a change is committed: `<org> <project> <conversation>`. */
const CHANGED_CHANNEL = 'loom_conversations'
/** `<org> <user> <conversation> <time> <page>`, the page left out where none is named. */
const SEEN_CHANNEL = 'loom_seen'
/** How long the changes of a project are gathered for one look: an answer changes its conversation several times. */
const GATHER_MS = 100
/** How long somebody is told before they must ask again, and show that they still may. */
const LEASE_MS = 60_000
/** Of what went on while a reader's page was on its way. */
const MISSED_MAX = 50

/** Calls back with each change; resolves when the reader has to ask again, or once `signal` says that nobody reads on. */
type ConversationChanges = (emit: (item: { id: number, event: ConversationChange }) => void, signal: AbortSignal) => Promise<void>

interface Reader { orgId: string, userId: string, page: string | undefined, tell: (event: ConversationChange) => void, leave: () => void }

interface FeedOptions { db: Database, failed: (error: unknown) => void }

/** Tells whoever looks at a project how its conversations change, on whichever replica that happens. One look at the database serves all of its readers. */
export class ConversationFeed {
  private readonly readers = new Map<string, Set<Reader>>()
  private readonly gathered = new Map<string, Set<string>>()
  private readonly closing = new AbortController()

  constructor(private readonly options: FeedOptions) {}

  /** To be called once, at start. Whoever listens while notifications are lost, or in an org that is closed, is sent away. */
  async listen(): Promise<void> {
    await this.options.db.listen(CHANGED_CHANNEL, (payload) => {
      const [orgId = '', projectId = '', conversationId = ''] = payload.split(' ')
      this.gather(orgId, projectId, conversationId)
    }, () => this.dismiss(() => true))
    await this.options.db.listen(SEEN_CHANNEL, (payload) => {
      const [orgId, userId, conversationId = '', seenAt = '', page] = payload.split(' ')
      for (const readers of this.readers.values()) {
        for (const reader of readers) {
          const isSamePage = page !== undefined && reader.page === page
          if (reader.orgId === orgId && reader.userId === userId && !isSamePage) reader.tell({ type: 'seen', conversationId, seenAt })
        }
      }
    })
    await this.options.db.listen(CLOSED_CHANNEL, closed => this.dismiss(({ orgId }) => orgId === closed))
  }

  /** Ends what is followed, and whatever is asked for from now on. */
  close(): void {
    this.closing.abort()
  }

  /**
   * The changes of a project's conversations from now on, and first what went on after `since`.
   * @throws {LoomError} `not_found` when the scope has no such project
   */
  async follow(scope: Scope, projectId: string, { since, page }: ChangesQuery): Promise<ConversationChanges> {
    const { orm } = this.options.db
    await getProject(orm, scope, projectId)
    return async (emit, signal) => {
      const leaving = new AbortController()
      const lease = setTimeout(() => leaving.abort(), LEASE_MS)
      const end = AbortSignal.any([signal, leaving.signal, this.closing.signal])
      let id = 0
      const reader: Reader = { orgId: scope.orgId, userId: scope.userId, page, tell: event => emit({ id: ++id, event }), leave: () => leaving.abort() }
      this.add(projectId, reader)
      try {
        if (since) for (const conversation of await this.readMissed(scope.orgId, projectId, since)) reader.tell({ type: 'conversation', conversation })
        if (!end.aborted) await once(end, 'abort')
      } finally {
        clearTimeout(lease)
        this.remove(projectId, reader)
      }
    }
  }

  /** Tells the pages of somebody, all but `page`, that they have seen a conversation. */
  async tellSeen({ orgId, userId }: Scope, conversationId: string, seenAt: string, page?: string): Promise<void> {
    await this.options.db.notify(SEEN_CHANNEL, [orgId, userId, conversationId, seenAt, ...page ? [page] : []].join(' '))
  }

  private add(projectId: string, reader: Reader): void {
    this.readers.set(projectId, (this.readers.get(projectId) ?? new Set()).add(reader))
  }

  /** They come back, where they still may, and read what they missed. */
  private dismiss(which: (reader: Reader) => boolean): void {
    for (const readers of this.readers.values()) for (const reader of readers) if (which(reader)) reader.leave()
  }

  private remove(projectId: string, reader: Reader): void {
    const readers = this.readers.get(projectId)
    readers?.delete(reader)
    if (readers?.size === 0) this.readers.delete(projectId)
  }

  private gather(orgId: string, projectId: string, conversationId: string): void {
    if (!this.readers.has(projectId)) return
    const gathered = this.gathered.get(projectId)
    if (gathered) return void gathered.add(conversationId)
    this.gathered.set(projectId, new Set([conversationId]))
    setTimeout(() => void this.tell(orgId, projectId), GATHER_MS)
  }

  private async tell(orgId: string, projectId: string): Promise<void> {
    const ids = [...this.gathered.get(projectId) ?? []]
    this.gathered.delete(projectId)
    try {
      const found = new Map((await this.read(orgId, projectId, inArray(conversations.id, ids), ids.length)).map(conversation => [conversation.id, conversation]))
      for (const conversationId of ids) {
        const conversation = found.get(conversationId)
        this.readers.get(projectId)?.forEach(reader => reader.tell(conversation ? { type: 'conversation', conversation } : { type: 'gone', conversationId }))
      }
    } catch (error) {
      this.options.failed(error)
      // They come back, and read what they missed.
      this.readers.get(projectId)?.forEach(reader => reader.leave())
    }
  }

  /** Oldest first. */
  private async readMissed(orgId: string, projectId: string, since: string): Promise<Conversation[]> {
    return (await this.read(orgId, projectId, sql`${conversations.lastActiveAt} > ${since}::timestamptz`, MISSED_MAX)).reverse()
  }

  private async read(orgId: string, projectId: string, which: SQL, limit: number): Promise<Conversation[]> {
    const rows = await selectConversations(this.options.db.orm)
      .where(and(eq(conversations.orgId, orgId), eq(conversations.projectId, projectId), isNull(conversations.deletedAt), which))
      .orderBy(desc(conversations.lastActiveAt))
      .limit(limit)
    return rows.map(toConversation)
  }
}

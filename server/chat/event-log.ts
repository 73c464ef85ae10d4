import type { Database } from '../../db/client'
import type { ChatEvent } from '../../shared/chat-events'
import { notifyAnswers } from './answer-signals'

/** How long what is said may be unwritten while the database is well. */
const WRITE_INTERVAL_MS = 100
/** Between attempts while it is not. */
const RETRY_MS = 1_000
/** Rows a statement, so that it stays bounded. */
const ROWS_MAX = 200

/** An event of an answer with its number: the ids of the answer's stream rise by one. */
export interface NumberedEvent { id: number, event: ChatEvent }

interface Entry { orgId: string, messageId: string, first: number, events: ChatEvent[] }

interface EventLogOptions {
  db: Database
  /** The answer is no longer running: somebody settled it, so nothing more of it is kept. */
  refused: (messageId: string) => void
  failed: (error: unknown) => void
}

/**
 * Writes what the answers of this process say, in one statement for all of them: the first words at once, then whatever has gathered
 * every `WRITE_INTERVAL_MS`, one write at a time. What could not be written stays and goes with the next.
 */
export class EventLog {
  private waiting: Entry[] = []
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> | undefined
  private nextWriteAt = 0

  constructor(private readonly options: EventLogOptions) {}

  append(orgId: string, messageId: string, { id, event }: NumberedEvent): void {
    const entry = this.waiting.findLast(one => one.messageId === messageId)
    if (entry && entry.first + entry.events.length === id) entry.events.push(event)
    else this.waiting.push({ orgId, messageId, first: id, events: [event] })
    this.schedule()
  }

  /** Writes no more of that answer; resolves when nothing of it is being written. */
  async forget(messageId: string): Promise<void> {
    this.waiting = this.waiting.filter(entry => entry.messageId !== messageId)
    await this.writing
    this.waiting = this.waiting.filter(entry => entry.messageId !== messageId)
  }

  private schedule(): void {
    if (this.timer || this.writing || this.waiting.length === 0) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.writing = this.write()
    }, Math.max(0, this.nextWriteAt - Date.now()))
  }

  private async write(): Promise<void> {
    const entries = this.waiting.splice(0, ROWS_MAX)
    this.nextWriteAt = Date.now() + WRITE_INTERVAL_MS
    try {
      const written = await insertEntries(this.options.db, entries)
      for (const { messageId } of entries) if (!written.has(messageId)) this.options.refused(messageId)
      await notifyAnswers(this.options.db, [...written])
    } catch (error) {
      this.waiting.unshift(...entries)
      this.nextWriteAt = Date.now() + RETRY_MS
      this.options.failed(error)
    }
    this.writing = undefined
    this.schedule()
  }
}

/**
 * The messages whose entries are stored: those that are running. Their rows are locked meanwhile, so that nothing comes after the
 * settling of an answer. Safe to repeat.
 */
async function insertEntries({ query }: Database, entries: readonly Entry[]): Promise<Set<unknown>> {
  const rows = entries.map(({ orgId, messageId, first, events }) => ({
    org_id: orgId, message_id: messageId, first, last: first + events.length - 1, events: JSON.stringify(events)
  }))
  const written = await query(
    `with running as (
      select entry.* from jsonb_to_recordset($1::jsonb) as entry(org_id uuid, message_id uuid, first int, last int, events text)
      join messages on messages.id = entry.message_id and messages.org_id = entry.org_id and messages.status in ('pending', 'streaming')
      for share of messages
    ), begun as (
      update messages set status = 'streaming' from running where messages.id = running.message_id and messages.status = 'pending'
    )
    insert into message_events (org_id, message_id, first, last, events) select org_id, message_id, first, last, events from running
    on conflict (message_id, first) do update set last = excluded.last, events = excluded.events
    returning message_id`,
    [JSON.stringify(rows)]
  )
  return new Set(written.map(row => row.message_id))
}

import { setTimeout as sleep } from 'node:timers/promises'
import type postgres from 'postgres'
import type { Query } from './client'
import { toParameters } from './to-parameters'
import { DatabaseSilentError, withinDeadline } from './within-deadline'

type Sql = postgres.Sql<{ bigint: bigint }>

const PROBE_PAUSE_MS = 250

/**
 * The connections of the hot path. Each statement has a deadline of ours, because a server that is frozen, or a network
 * that swallows packets, ends nothing by itself. One that passes it takes its connections along: the database is
 * silent then, and statements fail at once until new connections are answered. Whether a statement without an
 * answer took effect is unknown, as after any lost connection.
 */
export class HotConnections {
  #sql: Sql
  #reviving: Promise<void> | undefined
  #closing = false

  /** @param onSilence told once each time the database falls silent */
  constructor(private readonly connect: () => Sql, private readonly deadlineMs: number, private readonly onSilence: (error: DatabaseSilentError) => void) {
    this.#sql = connect()
  }

  /** @throws {DatabaseSilentError} past the deadline, and while the database is silent */
  readonly query: Query = async (text, parameters = []) => {
    if (this.#reviving) throw new DatabaseSilentError('The database does not answer')
    const sql = this.#sql
    try {
      return [...await withinDeadline(this.deadlineMs, sql.unsafe<Record<string, unknown>[]>(text, toParameters(parameters), { prepare: true }))]
    } catch (error) {
      if (error instanceof DatabaseSilentError && sql === this.#sql && !this.#reviving) this.#fallSilent(error)
      throw error
    }
  }

  async close(timeoutSeconds: number): Promise<void> {
    this.#closing = true
    await this.#sql.end({ timeout: this.#reviving ? 0 : timeoutSeconds })
    await this.#reviving
  }

  #fallSilent(error: DatabaseSilentError): void {
    const silent = this.#sql
    this.#sql = this.connect()
    this.#reviving = this.#awaitAnswer(this.#sql).finally(() => {
      this.#reviving = undefined
    })
    // Rejects what still waits there.
    void silent.end({ timeout: 0 })
    this.onSilence(error)
  }

  async #awaitAnswer(sql: Sql): Promise<void> {
    while (!this.#closing) {
      // An attempt ends by itself: with an answer, or when the connection has not opened in time.
      if (await sql`select 1`.then(() => true, () => false)) return
      await sleep(PROBE_PAUSE_MS)
    }
  }
}

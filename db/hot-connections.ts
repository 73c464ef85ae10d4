import { setTimeout as sleep } from 'node:timers/promises'
import type postgres from 'postgres'
import type { PoolLoad, Query } from './client'
import { toParameters } from './to-parameters'
import { DatabaseSilentError, withinDeadline } from './within-deadline'

type Sql = postgres.Sql<{ bigint: bigint }>

const PROBE_PAUSE_MS = 250

/** How many there are: a hold need not stand behind the captures under way, nor a lease behind a hold. */
const CONNECTIONS = 3

/** A client of one connection, and how many statements it has under way. */
interface HotConnection { sql: Sql, running: number }

/**
 * The connections of the hot path. Each statement has a deadline of ours, because a server that is frozen, or a network
 * that swallows packets, ends nothing by itself. One that passes it takes its connections along: the database is
 * silent then, and statements fail at once until new connections are answered. Whether a statement without an
 * answer took effect is unknown, as after any lost connection.
 *
 * A statement takes the first that is free. In turns, as a pool hands them out, each would find its backend's plans and tables gone
 * from the processor's caches: a small batch of captures costs PostgreSQL a fifth more. One that was closed goes to the end, so that nobody waits
 * for it to open again while others are free.
 */
export class HotConnections {
  #connections: HotConnection[]
  #reviving: Promise<void> | undefined
  #closing = false

  /**
   * @param connect makes a client of one connection, which tells each time that it was closed or did not open
   * @param onSilence told once each time the database falls silent
   */
  constructor(private readonly connect: (onClose: () => void) => Sql, private readonly deadlineMs: number, private readonly onSilence: (error: DatabaseSilentError) => void) {
    this.#connections = this.#connectAll()
  }

  /** @throws {DatabaseSilentError} past the deadline, and while the database is silent */
  readonly query: Query = (text, parameters = []) => {
    if (this.#reviving) return Promise.reject(new DatabaseSilentError('The database does not answer'))
    return this.#ask(text, parameters)
  }

  get load(): PoolLoad {
    const running = this.#connections.filter(connection => connection.running > 0).length
    return { running, waiting: this.#connections.reduce((sum, connection) => sum + connection.running, 0) - running }
  }

  async close(timeoutSeconds: number): Promise<void> {
    this.#closing = true
    await endAll(this.#connections, this.#reviving ? 0 : timeoutSeconds)
    await this.#reviving
  }

  async #ask(text: string, parameters: readonly unknown[]): Promise<Record<string, unknown>[]> {
    const connection = this.#connections.reduce((least, other) => other.running < least.running ? other : least)
    connection.running++
    try {
      return [...await withinDeadline(this.deadlineMs, connection.sql.unsafe<Record<string, unknown>[]>(text, toParameters(parameters), { prepare: true }))]
    } catch (error) {
      if (error instanceof DatabaseSilentError && this.#connections.includes(connection) && !this.#reviving) this.#fallSilent(error)
      throw error
    } finally {
      connection.running--
    }
  }

  #connectAll(): HotConnection[] {
    return Array.from({ length: CONNECTIONS }, () => {
      const connection: HotConnection = { sql: this.connect(() => this.#putLast(connection)), running: 0 }
      return connection
    })
  }

  #putLast(closed: HotConnection): void {
    if (this.#connections.includes(closed)) this.#connections = [...this.#connections.filter(other => other !== closed), closed]
  }

  #fallSilent(error: DatabaseSilentError): void {
    this.#renew()
    this.#reviving = this.#awaitAnswer().finally(() => {
      this.#reviving = undefined
    })
    this.onSilence(error)
  }

  /** Rejects what still waits on the connections so far. */
  #renew(): void {
    const silent = this.#connections
    this.#connections = this.#connectAll()
    void endAll(silent, 0)
  }

  async #awaitAnswer(): Promise<void> {
    while (!this.#closing && !await this.#isAnswered()) await sleep(PROBE_PAUSE_MS)
  }

  /** A connection that opened and then fell silent, too, is not waited for: others may be answered. One that could not open tries again by itself. */
  async #isAnswered(): Promise<boolean> {
    try {
      await this.#ask('select 1', [])
      return true
    } catch (error) {
      if (error instanceof DatabaseSilentError && !this.#closing) this.#renew()
      return false
    }
  }
}

async function endAll(connections: HotConnection[], timeoutSeconds: number): Promise<void> {
  await Promise.all(connections.map(({ sql }) => sql.end({ timeout: timeoutSeconds })))
}

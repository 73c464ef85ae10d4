import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Results } from '@electric-sql/pglite'
import type { Parameter } from './to-parameters'

export interface WorkerOptions {
  /** Where the database lives; undefined keeps it in memory. */
  dataDir: string | undefined
  /** A gzipped copy to start from, as `dump` makes it. */
  dump: Uint8Array<ArrayBuffer> | undefined
}

export type WorkerRequest = { id: number } & (
  { kind: 'query', text: string, parameters: Parameter[], rowMode: 'object' | 'array' } | { kind: 'dump' } | { kind: 'close' }
)

export type WorkerReply
  = { kind: 'ready' }
    | { kind: 'notification', channel: string, payload: string }
    | { kind: 'result', id: number, value: unknown }
    | { kind: 'failure', id: number, error: ErrorFields }

interface ErrorFields { message: string, code?: string, [field: string]: string | undefined }
type Distribute<T> = T extends unknown ? Omit<T, 'id'> : never
type Call = Distribute<WorkerRequest>

/** What the embedded database refused; its fields carry the names the `postgres` driver uses (`code`, `constraint_name`, …). */
export class EmbeddedDatabaseError extends Error {
  override name = 'EmbeddedDatabaseError'
  readonly code: string | undefined

  constructor(fields: ErrorFields) {
    super(fields.message)
    this.code = fields.code
    Object.assign(this, fields)
  }
}

/** The worker ended while statements ran: whether they took effect is unknown, as after a lost connection. */
export class EmbeddedDatabaseLostError extends Error {
  override name = 'EmbeddedDatabaseLostError'
}

/** A worker thread that runs the embedded database, asked by messages. */
export class EmbeddedConnection {
  #waiting = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  #lastId = 0
  #ended: Error | undefined
  readonly #worker: Worker

  private constructor(options: WorkerOptions, readonly onNotification: (channel: string, payload: string) => void, ready: () => void, failed: (error: Error) => void) {
    this.#worker = new Worker(workerFile(), { workerData: options, name: 'embedded-database' })
    this.#worker.on('message', (reply: WorkerReply) => {
      if (reply.kind === 'ready') ready()
      else if (reply.kind === 'notification') this.onNotification(reply.channel, reply.payload)
      else this.#settle(reply)
    })
    let cause: unknown
    this.#worker.on('error', (error) => {
      cause = error
    })
    this.#worker.on('exit', (code) => {
      this.#ended ??= new EmbeddedDatabaseLostError(`The embedded database stopped unexpectedly (exit ${code}${cause instanceof Error ? `: ${cause.message}` : ''})`, { cause })
      failed(this.#ended)
      for (const { reject } of this.#waiting.values()) reject(this.#ended)
      this.#waiting.clear()
    })
  }

  /** @throws {EmbeddedDatabaseLostError} when the database cannot start */
  static open(options: WorkerOptions, onNotification: (channel: string, payload: string) => void): Promise<EmbeddedConnection> {
    return new Promise((resolve, reject) => {
      const connection: EmbeddedConnection = new EmbeddedConnection(options, onNotification, () => resolve(connection), reject)
    })
  }

  get alive(): boolean {
    return !this.#ended
  }

  /** @throws {EmbeddedDatabaseError | EmbeddedDatabaseLostError} */
  async query<T>(text: string, parameters: Parameter[], rowMode: 'object' | 'array'): Promise<Results<T>> {
    return await this.#ask({ kind: 'query', text, parameters, rowMode }) as Results<T>
  }

  /** A gzipped copy of the whole database. */
  async dump(): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#ask({ kind: 'dump' }) as Uint8Array<ArrayBuffer>
  }

  async close(): Promise<void> {
    if (this.#ended) return
    await this.#ask({ kind: 'close' })
    this.#ended = new EmbeddedDatabaseLostError('The embedded database is closed')
    await this.#worker.terminate()
  }

  /** The answer is of our own making (embedded-worker.mjs), so its callers state its type unchecked. */
  #ask(call: Call): Promise<unknown> {
    const ended = this.#ended
    if (ended) return Promise.reject(ended)
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...call, id })
    })
  }

  #settle(reply: Extract<WorkerReply, { id: number }>): void {
    const call = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.kind === 'result') call?.resolve(reply.value)
    else call?.reject(new EmbeddedDatabaseError(reply.error))
  }
}

/** Beside this file in tests and scripts, beside the entry of the built server, in the sources under `nuxt dev`: bundlers move this module, not the worker. */
function workerFile(): string {
  const name = 'embedded-worker.mjs'
  const beside = new URL(name, import.meta.url)
  const candidates = [
    ...(beside.protocol === 'file:' ? [fileURLToPath(beside)] : []),
    join(dirname(process.argv[1] ?? '.'), name),
    join(process.cwd(), 'db', name)
  ]
  const found = candidates.find(existsSync)
  if (!found) throw new Error(`${name} is missing: looked for it at ${candidates.join(', ')}`)
  return found
}

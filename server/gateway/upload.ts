import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LoomError } from '../errors'
import { FormParser } from './form-parser'
import { drop } from './read-body'
import { Spool } from './spool'

const PIECE_BYTES = 64 * 1024
/** What a provider is not sent before the form is known to be whole: it must not answer one that is refused here. */
const HELD_BACK_BYTES = 128

/** A piece of a form's body in place of another. */
export interface Edit { start: number, end: number, text: string }

/**
 * A form with a file on its way in: its small fields are understood as they come, and all of it can be sent on from its beginning, while the rest is still
 * coming, as often as it takes. Whatever its size, little of it is in memory.
 */
export class Upload {
  readonly form: FormParser
  /** All of it is here, and it is a proper form. */
  complete = false
  private readonly spool = new Spool()
  private failure: LoomError | undefined
  private closed = false
  private writing: Promise<void> = Promise.resolve()
  private waiting: (() => void)[] = []

  /**
   * @param announcedBytes its whole size, where the caller tells; never smaller than it is
   * @param longField see `FormParser`
   * @throws {LoomError} `invalid_request` when the content type is no form's
   */
  constructor(private readonly request: IncomingMessage, private readonly announcedBytes: number | undefined, private readonly maxBytes: number, private readonly tooLarge: () => LoomError, longField?: string) {
    this.form = new FormParser(request.headers['content-type'], longField)
    request.on('data', this.take).on('end', this.finish).on('close', this.lose).on('error', this.lose)
    if (request.destroyed) this.lose()
  }

  /** Its size, as far as it is known: what has come, or what was announced. */
  get bytes(): number {
    return this.complete ? this.spool.size : Math.max(this.announcedBytes ?? this.maxBytes, this.spool.size)
  }

  /** Whether enough is known to send it on before it is here. */
  get isAnnounced(): boolean {
    return this.complete || this.announcedBytes !== undefined
  }

  /**
   * Resolves once `isKnown` of the form, or all of it is here.
   * @throws {LoomError} what is wrong with it; `caller_gone`
   */
  async until(isKnown: (form: FormParser) => boolean): Promise<void> {
    while (!this.complete && !isKnown(this.form)) await this.changed()
  }

  /** As `until`, all of it. */
  whole(): Promise<void> {
    return this.until(() => false)
  }

  /** SHA-256 of what is in it, whatever its boundary, once all of it is here. */
  async digest(): Promise<Buffer> {
    await this.whole()
    const hash = createHash('sha256')
    for (const { name, fileName, contentType, start, end } of this.form.parts) {
      hash.update(JSON.stringify([name, fileName, contentType, end - start]))
      for await (const piece of this.range(start, end)) hash.update(piece)
    }
    return hash.digest()
  }

  /** Its bytes from the first to the last, with these pieces (in order) in place of others; what is not here yet is waited for. */
  async* read(edits: readonly Edit[]): AsyncGenerator<Buffer> {
    let at = 0
    for (const { start, end, text } of edits) {
      yield* this.range(at, start)
      yield Buffer.from(text)
      at = end
    }
    yield* this.range(at, Infinity)
  }

  /** Forgets it. What is still coming is dropped, so that its sender gets to read why. */
  async close(): Promise<void> {
    this.closed = true
    this.fail(new LoomError('caller_gone', 'The call has ended.'))
    await this.writing
    await this.spool.close()
  }

  private async* range(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const here = Math.min(end, this.complete ? this.spool.size : this.spool.size - HELD_BACK_BYTES)
      if (at < here) {
        const piece = await this.spool.read(at, Math.min(here, at + PIECE_BYTES))
        at += piece.length
        yield piece
      } else if (this.complete) {
        return
      } else {
        await this.changed()
      }
    }
  }

  /** The next piece is here, or all is. */
  private async changed(): Promise<void> {
    if (!this.failure) await new Promise<void>(resolve => this.waiting.push(resolve))
    if (this.failure) throw this.failure
  }

  private readonly take = (chunk: Buffer): void => {
    try {
      if (this.spool.size + chunk.length > this.maxBytes) throw this.tooLarge()
      this.form.push(chunk)
    } catch (cause) {
      return this.fail(cause)
    }
    if (!this.spool.overflows(chunk)) {
      this.spool.keep(chunk)
      return this.tell()
    }
    this.request.pause()
    this.writing = this.spool.append(chunk).then(() => {
      this.tell()
      if (!this.failure) this.request.resume()
    }, (cause: unknown) => this.fail(cause))
  }

  /** The last bytes may be on their way to the disk yet: Node tells the end of a stream that was paused by its last piece all the same. */
  private readonly finish = (): void => {
    this.stopListening()
    void this.writing.then(() => {
      if (this.failure) return
      try {
        this.form.end()
        this.complete = true
        this.tell()
      } catch (cause) {
        this.fail(cause)
      }
    })
  }

  private readonly lose = (cause?: Error): void => this.fail(new LoomError('caller_gone', 'The connection closed before the request was complete.', { cause }))

  private fail(cause: unknown): void {
    if (this.failure || (this.complete && !this.closed)) return
    this.failure = cause instanceof LoomError ? cause : new LoomError('internal_error', 'The file could not be kept. Try again.', { cause })
    this.stopListening()
    if (!this.complete) drop(this.request)
    this.tell()
  }

  private stopListening(): void {
    this.request.off('data', this.take).off('end', this.finish).off('close', this.lose).off('error', this.lose)
    // Whoever leaves now is heard of elsewhere.
    this.request.on('error', () => {})
  }

  private tell(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

import { pipeline, Readable, Transform } from 'node:stream'
import type { CachedAnswer, Generation } from '../cache/answer-cache'
import type { CacheDirective } from '../cache/cache-directive'
import { hashQuestion } from '../cache/hash-question'
import { MAX_CACHED_BYTES } from '../cache/answer-store'
import type { Target } from '../catalog/target'
import { ByteCollector } from '../utils/byte-collector'
import type { CallRecord } from './call-record'
import type { Gateway } from './gateway'
import type { Opened } from './open-upstream'
import { openAnswer } from './open-upstream'
import type { UpstreamResponse } from './providers/provider'
import type { Usage } from './usage'

/** What of a provider's headers an answer's format hangs on. */
const KEPT_HEADERS = ['content-type']

/** What a provider answered. */
interface Recorded { headers: UpstreamResponse['headers'], body: ByteCollector, isWhole: boolean }

/** One call's dealings with the cache: an answer found there takes the provider's place on the road. */
export class CacheUse {
  private recorded: Recorded | undefined
  /** Of the org's answers when this one was asked for. */
  private generation: Generation | Promise<Generation>

  private constructor(private readonly gateway: Gateway, private readonly call: CallRecord, private readonly directive: CacheDirective, private readonly question: string) {}

  /** Undefined for a call that did not ask for it, or whose answer cannot be cached. */
  static of(gateway: Gateway, call: CallRecord, targets: readonly Target[]): CacheUse | undefined {
    const { caching, operation, request, caller } = call.context
    if (!caching) return undefined
    const maxOutputTokens = Number.isFinite(caller.policy.maxOutputTokens) ? caller.policy.maxOutputTokens : null
    const question = hashQuestion({ operation: operation.name, targets, maxOutputTokens, stream: request.stream, headers: request.headers, body: request.raw })
    return question === undefined ? undefined : new CacheUse(gateway, call, caching, question)
  }

  /** The cached answer, opened as if its provider had just given it, and what the provider counted for it. */
  async find(targets: readonly Target[]): Promise<{ opened: Opened, usage: Usage } | undefined> {
    const { gateway: { answers, metrics }, call, directive } = this
    const { caller } = call.context
    call.cache = 'miss'
    if (!directive.reads) {
      // Asked before the provider is; nobody waits for it.
      this.generation = answers.generation(caller)
      return undefined
    }
    const { answer: found, generation } = await answers.find(caller, this.question, directive.ttlSeconds)
    this.generation = generation
    const opened = found && await this.open(found, targets)
    metrics.cacheLookups.inc({ outcome: opened ? 'hit' : 'miss' })
    if (!opened) return undefined
    call.cache = 'hit'
    call.cacheAgeMs = Math.max(0, Date.now() - found.head.storedAtMs)
    call.target = opened.target
    return { opened, usage: found.head.usage }
  }

  /** Undefined where none of the targets gave it, and where it is no answer any more: it may have been kept by a version that was less strict. */
  private async open({ head, body }: CachedAnswer, targets: readonly Target[]): Promise<Opened | undefined> {
    const target = targets.find(({ connection, upstreamModel }) => connection.id === head.connectionId && upstreamModel === head.upstreamModel)
    if (!target) return undefined
    const { request } = this.call.context
    const answer = head.callId === undefined ? body : request.adopt?.(body, head.callId) ?? body
    try {
      return await openAnswer(request, target, { status: 200, headers: head.headers, body: Readable.from([answer], { objectMode: false }) })
    } catch (cause) {
      this.gateway.answers.report(cause, 'A cached answer is none any more')
      return undefined
    }
  }

  /** The same response, its bytes noted on their way. */
  record(response: UpstreamResponse): UpstreamResponse {
    const recorded: Recorded = { headers: response.headers, body: new ByteCollector(), isWhole: true }
    this.recorded = recorded
    const body = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        recorded.isWhole &&= recorded.body.size + chunk.length <= MAX_CACHED_BYTES
        if (recorded.isWhole) recorded.body.push(chunk)
        else recorded.body.clear()
        done(null, chunk)
      }
    })
    // Whoever reads `body` hears of its failures.
    pipeline(response.body, body, () => {})
    return { ...response, body }
  }

  /** Keeps a complete answer for the next who asks. Nobody waits for it. */
  keep(usage: Usage): void {
    const { recorded, call: { target, context: { caller, requestId } } } = this
    if (!recorded || !target || !recorded.isWhole) return
    const headers = Object.fromEntries(Object.entries(recorded.headers).filter(([name]) => KEPT_HEADERS.includes(name)))
    const head = { storedAtMs: Date.now(), callId: requestId, connectionId: target.connection.id, upstreamModel: target.upstreamModel, headers, usage }
    void this.gateway.answers.keep(caller, this.question, { head, body: recorded.body.bytes() }, this.directive.ttlSeconds, this.generation)
  }
}

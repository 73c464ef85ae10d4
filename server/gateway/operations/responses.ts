import { v7 as uuidv7 } from 'uuid'
import type { Target } from '../../catalog/target'
import type { EarlierCalls } from '../earlier-calls'
import { boundTokens } from '../estimate-cost'
import type { GivenAt } from '../given-ids'
import { toOpenAiError } from '../openai-error'
import { encodeBody } from '../providers/encode-body'
import type { ProviderCall, Transport } from '../providers/provider'
import { countClosely, countPrompt } from './count-prompt'
import { withEarlier, withoutToldThoughts } from './earlier-items'
import { wantsThoughts } from './earlier-thoughts'
import { JsonRequest } from './json-request'
import type { CallRequest, Operation, StreamTap, WholeAnswer } from './operation'
import { sendOverChat, withoutExtra } from './over-chat'
import { idsNamed, idsNeeded, idsSealed, refusalOf, withOwnIds } from './provider-ids'
import { MAX_PROMPT_VALUES, readJson, requireFewValues } from './read-json'
import { readResponse } from './response-answer'
import { measureResponses, ownTools, requireForeground, ResponsesBody, takeMedia, toolsIn } from './responses-body'
import type { ToldCall } from './response-items'
import { withIdsOf } from './response-ids'
import { toResponseOverChat } from './responses-over-chat'
import { responsesToChat } from './responses-to-chat'
import { ResponsesTap } from './responses-tap'
import { bytesAddedTo } from './tools-as-functions'
import { findUnpriced } from './unpriced'

/** `POST /v1/responses`: natively where the provider has it, else over chat completions, where our traces keep the answers. */
export const responses: Operation = {
  name: 'responses',
  path: '/v1/responses',
  scope: 'chat',
  parse: raw => new ResponsesRequest(raw),
  toError: toOpenAiError
}

export class ResponsesRequest extends JsonRequest<ResponsesBody> implements CallRequest {
  readonly stream = this.body.stream === true
  readonly askedOutputTokens = this.body.max_output_tokens ?? undefined
  private told: ToldCall = { id: uuidv7(), previousResponseId: null, isStored: false }
  /** The body with what it names of earlier answers, where it names any. */
  private whole: Buffer | undefined
  /** The input with the thoughts that we told: some models that chat want theirs back, and nobody else reads them. */
  private thoughtful = this.body.input
  private earlier: Pick<EarlierCalls, 'given'> | undefined
  /** What the org was given of what the request names, at each connection that may know it. */
  private given: GivenAt = new Map()
  keepsGivenIds = false
  private measurement: ReturnType<typeof measureResponses> | undefined
  private toolBytes: number | undefined

  /** @throws {LoomError} `invalid_request` for a call in the background, too */
  constructor(raw: Buffer, json = readJson(raw)) {
    super(raw, ResponsesBody, undefined, json)
    requireForeground(this.body)
  }

  get bodyBytes() {
    return (this.whole ?? this.raw).length
  }

  /** @throws {LoomError} `not_found` for an earlier answer that is not kept, `invalid_request` for a body that has too many values with them */
  async prepare(callId: string, earlier: EarlierCalls): Promise<void> {
    this.told = { id: callId, previousResponseId: this.body.previous_response_id ?? null, isStored: earlier.areKept && this.body.store !== false }
    this.earlier = earlier
    const whole = await withEarlier(this.body, earlier)
    const body = withoutToldThoughts(whole)
    if (body === this.body) return
    requireFewValues(whole, MAX_PROMPT_VALUES)
    this.thoughtful = whole.input
    this.body = body
    this.whole = Buffer.from(encodeBody(whole))
    this.measurement = undefined
    this.toolBytes = undefined
  }

  async reachable(targets: Target[]) {
    const native = targets.filter(target => this.nativeOf(target))
    const shared = native.filter(({ connection }) => connection.isShared)
    const isOneAccount = native.every(({ connection }) => connection.id === native[0]?.connection.id)
    this.keepsGivenIds = shared.length > 0 || !isOneAccount
    const needed = this.keepsGivenIds ? idsNeeded(this.body) : []
    const sealed = isOneAccount ? [] : idsSealed(this.body)
    const ids = [...shared.length > 0 ? idsNamed(this.body) : needed, ...sealed]
    if (ids.length === 0) return targets
    this.given = await this.earlier?.given([...new Set(native.map(({ connection }) => connection.id))], ids) ?? this.given
    const refusals = new Map(shared.map(target => [target, refusalOf(this.body, this.givenAt(target))]))
    const left = targets.filter(target => !refusals.get(target))
    const refusal = targets[0] && refusals.get(targets[0])
    // Another model has nothing of that conversation either: rather the refusal that programs know than an answer that lacks it.
    if (refusal && !left.some(target => this.nativeOf(target))) throw refusal
    const knows = (ids: readonly string[]) => (target: Target) => ids.some(id => this.givenAt(target).has(id))
    // What one account gave no other has: asked there, it would only be said to be nowhere.
    if (left.some(knows(needed))) return [...left.filter(knows(needed)), ...left.filter(target => !this.nativeOf(target))]
    if (!left.some(knows(sealed))) return left
    // What one account sealed another may be unable to open.
    return left.toSorted((a, b) => Number(knows(sealed)(b)) - Number(knows(sealed)(a)))
  }

  limitOutput(maxTokens: number) {
    if (this.askedOutputTokens === undefined) this.body = { ...this.body, max_output_tokens: maxTokens }
  }

  /** Over chat completions none of it reaches the provider. */
  unpriced(target: Target) {
    return this.nativeOf(target) && findUnpriced({ ...this.body, tools: toolsIn(this.body) }, ownTools)
  }

  bound(target: Target) {
    const isNative = this.nativeOf(target) !== undefined
    // Over chat completions nothing that is kept reaches the provider, nor its count.
    const isKept = this.measured.isKept === true && isNative
    const bodyBytes = this.measured.bodyBytes + (isNative ? 0 : this.bytesAdded)
    return boundTokens({ ...this.measured, bodyBytes, isKept, maxOutputTokens: this.body.max_output_tokens ?? 0 }, target)
  }

  countInput(target?: Target) {
    return countPrompt(takeMedia(target && !this.nativeOf(target) && wantsThoughts(target) ? this.chatBody : this.body))
  }

  /** A bound for whichever target: with the thoughts that some get back, and what some are told of tools. */
  async countClosely() {
    const counted = await countClosely(takeMedia(this.chatBody), this.measured.packed)
    return counted && { ...counted, tokens: counted.tokens + this.bytesAdded }
  }

  async countAt(target: Target, transport: Transport, signal: AbortSignal) {
    const { provider, connection, upstreamModel } = target
    if (!this.nativeOf(target)) return provider.countPrompt?.('chat.completions', connection, { body: responsesToChat(this.chatBody, target).chat, upstreamModel, stream: false }, transport, signal)
    return provider.countPrompt?.('responses', connection, { body: this.nativeBody(target), upstreamModel, stream: false }, transport, signal)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    const { connection, upstreamModel } = target
    const native = this.nativeOf(target)
    if (!native) return sendOverChat(target, this.stream, toResponseOverChat(this.chatBody, target, this.told), transport, signal)
    return native(connection, { body: this.nativeBody(target), upstreamModel, stream: this.stream }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    return readResponse(body)
  }

  adopt(answer: Buffer, callId: string) {
    return withIdsOf(answer, callId, this.told.id)
  }

  tap(): StreamTap {
    return new ResponsesTap()
  }

  /** How a target is asked that speaks the format itself. */
  protected nativeOf({ provider, connection, upstreamModel }: Target): ProviderCall | undefined {
    return provider.native?.('responses', connection, upstreamModel)
  }

  /** As it is translated for a model that chats. */
  protected get chatBody(): ResponsesBody {
    return { ...this.body, input: this.thoughtful }
  }

  /** As a provider gets it that speaks the format itself. */
  private nativeBody(target: Target) {
    const body = withoutExtra(this.whole ?? this.raw, this.body, 'input')
    return target.connection.isShared && this.given.size > 0 ? withOwnIds(body, this.givenAt(target)) : body
  }

  private givenAt({ connection }: Target): ReadonlySet<string> {
    return this.given.get(connection.id) ?? new Set()
  }

  /** Once a request, for every file of it is read. */
  private get measured() {
    return this.measurement ??= measureResponses(this.body, this.bodyBytes)
  }

  /** What a model that chats is told of the tools, beyond the body. */
  private get bytesAdded() {
    return this.toolBytes ??= bytesAddedTo(toolsIn(this.body))
  }
}

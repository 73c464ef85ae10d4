import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '../../catalog/target'
import { toAnthropicError } from '../anthropic-error'
import { boundTokens } from '../estimate-cost'
import type { CallMeasure } from '../estimate-cost'
import { requireOneModel } from '../providers/one-model'
import type { ProviderCall, Transport } from '../providers/provider'
import { toAnthropicBody } from './anthropic-body'
import { anthropicHeaders } from './anthropic-headers'
import { countClosely, countPrompt } from './count-prompt'
import { JsonRequest } from './json-request'
import { readMessage } from './message-answer'
import { findUnpriced, mayBeSummedUp, measureMessages, MessagesBody, takeMedia } from './messages-body'
import { toMessageOverChat } from './messages-over-chat'
import { MessagesTap } from './messages-tap'
import type { CallRequest, Operation } from './operation'
import { sendOverChat } from './over-chat'

/** `POST /v1/messages`: Anthropic's format, for every kind of provider. */
export const messages: Operation = {
  name: 'messages',
  path: '/v1/messages',
  scope: 'chat',
  parse: (raw, headers) => new MessagesRequest(raw, headers),
  toError: toAnthropicError,
  requestIdHeader: 'request-id'
}

class MessagesRequest extends JsonRequest<MessagesBody> implements CallRequest {
  readonly stream = this.body.stream === true
  /** The format has no call without it, so there is none to be limited. */
  readonly askedOutputTokens = this.body.max_tokens

  readonly headers: Readonly<Record<string, string>>
  private measurement: CallMeasure | undefined

  /** @throws {LoomError} `invalid_request` for a call with fallbacks of Anthropic's, too */
  constructor(raw: Buffer, headers: IncomingHttpHeaders) {
    super(raw, MessagesBody)
    requireOneModel(this.body)
    this.headers = anthropicHeaders(headers)
  }

  /** Over chat completions none of it reaches the provider. */
  unpriced(target: Target) {
    return nativeCall(target) && findUnpriced(this.body)
  }

  bound(target: Target) {
    const sumsUp = nativeCall(target) !== undefined && mayBeSummedUp(this.body)
    return boundTokens({ ...this.measured, sumsUp }, target)
  }

  countInput() {
    return countPrompt(takeMedia(this.body))
  }

  countClosely() {
    return countClosely(takeMedia(this.body), this.measured.packed)
  }

  async countAt(target: Target, transport: Transport, signal: AbortSignal) {
    const { provider, connection, upstreamModel } = target
    if (!nativeCall(target)) return provider.countPrompt?.('chat.completions', connection, { body: toMessageOverChat(this.body, target).body, upstreamModel, stream: false }, transport, signal)
    return provider.countPrompt?.('messages', connection, { body: toAnthropicBody(this.raw, this.body, target), upstreamModel, stream: false, headers: this.headers }, transport, signal)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    const { connection, upstreamModel } = target
    const native = nativeCall(target)
    if (native) return native(connection, { body: toAnthropicBody(this.raw, this.body, target), upstreamModel, stream: this.stream, headers: this.headers }, transport, signal)
    return sendOverChat(target, this.stream, toMessageOverChat(this.body, target), transport, signal)
  }

  readAnswer(body: Buffer) {
    return readMessage(body)
  }

  tap() {
    return new MessagesTap()
  }

  /** Once a request, for every file of it is read. */
  private get measured() {
    return this.measurement ??= measureMessages(this.body, this.raw.length)
  }
}

/** Undefined where it goes over chat completions. */
function nativeCall({ provider, connection, upstreamModel }: Target): ProviderCall | undefined {
  return provider.native?.('messages', connection, upstreamModel)
}

import type { Target } from '../../catalog/target'
import { boundTokens } from '../estimate-cost'
import type { ModelLimits } from '../estimate-cost'
import { toOpenAiError } from '../openai-error'
import type { Transport } from '../providers/provider'
import { countClosely, countPrompt } from './count-prompt'
import { JsonRequest } from './json-request'
import type { CallRequest, Operation } from './operation'
import { sendOverChat, withoutExtra } from './over-chat'
import { MAX_PROMPT_VALUES } from './read-json'
import { readResponse } from './response-answer'
import { measureResponses, ownTools, requireForeground, ResponsesBody, takeMedia } from './responses-body'
import { toResponseOverChat } from './responses-over-chat'
import { ResponsesTap } from './responses-tap'
import { findUnpriced } from './unpriced'

/** `POST /v1/responses`: natively where the provider has it, else over chat completions, without state. */
export const responses: Operation = {
  name: 'responses',
  path: '/v1/responses',
  scope: 'chat',
  parse: raw => new ResponsesRequest(raw),
  toError: toOpenAiError
}

class ResponsesRequest extends JsonRequest<ResponsesBody> implements CallRequest {
  readonly stream = this.body.stream === true
  readonly askedOutputTokens = this.body.max_output_tokens ?? undefined

  /** @throws {LoomError} `invalid_request` for a call in the background, too */
  constructor(raw: Buffer) {
    super(raw, ResponsesBody, MAX_PROMPT_VALUES)
    requireForeground(this.body)
  }

  limitOutput(maxTokens: number) {
    if (this.askedOutputTokens === undefined) this.body = { ...this.body, max_output_tokens: maxTokens }
  }

  /** Over chat completions none of it reaches the provider. */
  unpriced({ provider, connection, upstreamModel }: Target) {
    return provider.native?.('responses', connection, upstreamModel) && findUnpriced(this.body, ownTools)
  }

  bound(limits: ModelLimits) {
    return boundTokens(measureResponses(this.body, this.raw.length), limits)
  }

  countInput() {
    return countPrompt(takeMedia(this.body))
  }

  countClosely() {
    return countClosely(takeMedia(this.body))
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    const { provider, connection, upstreamModel } = target
    const native = provider.native?.('responses', connection, upstreamModel)
    if (native) return native(connection, { body: withoutExtra(this.raw, this.body, 'input'), upstreamModel, stream: this.stream }, transport, signal)
    return sendOverChat(target, this.stream, toResponseOverChat(this.body, target), transport, signal)
  }

  readAnswer(body: Buffer) {
    return readResponse(body)
  }

  tap() {
    return new ResponsesTap()
  }
}

import { z } from 'zod'
import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '../../catalog/target'
import { toAnthropicError } from '../anthropic-error'
import type { Transport } from '../providers/provider'
import { jsonResponse } from '../providers/translated-response'
import { noUsage } from '../usage'
import { toAnthropicBody } from './anthropic-body'
import { anthropicHeaders } from './anthropic-headers'
import { countPrompt } from './count-prompt'
import { JsonRequest } from './json-request'
import { CountBody, takeMedia } from './messages-body'
import type { CallRequest, Operation, WholeAnswer } from './operation'

const Count = z.object({ input_tokens: z.int().nonnegative() })

/** `POST /v1/messages/count_tokens`: by Anthropic for its models, by our own tokenizer for others. Costs nothing. */
export const countMessageTokens: Operation = {
  name: 'messages.count_tokens',
  path: '/v1/messages/count_tokens',
  scope: 'chat',
  parse: (raw, headers) => new CountRequest(raw, headers),
  toError: toAnthropicError,
  requestIdHeader: 'request-id'
}

class CountRequest extends JsonRequest<CountBody> implements CallRequest {
  readonly stream = false
  readonly free = true

  readonly headers: Readonly<Record<string, string>>

  constructor(raw: Buffer, headers: IncomingHttpHeaders) {
    super(raw, CountBody)
    this.headers = anthropicHeaders(headers)
  }

  bound() {
    return { inputTokens: 0, outputTokens: 0 }
  }

  countInput() {
    return Promise.resolve(0)
  }

  async send(target: Target, transport: Transport, signal: AbortSignal) {
    const { provider, connection, upstreamModel } = target
    const native = provider.native?.('messages.count_tokens', connection, upstreamModel)
    if (native) return native(connection, { body: toAnthropicBody(this.raw, this.body, target), upstreamModel, stream: false, headers: this.headers }, transport, signal)
    return jsonResponse({ status: 200, headers: {} }, { input_tokens: await countPrompt(takeMedia(this.body)) })
  }

  readAnswer(body: Buffer): WholeAnswer {
    Count.parse(JSON.parse(body.toString('utf8')))
    return { contentType: 'application/json', usage: noUsage, rawUsage: undefined, text: () => '', finish: () => body }
  }
}

import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { countTextTokens } from '../count-tokens'
import { toOpenAiError } from '../openai-error'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { BinaryTap } from './binary-tap'
import { isEventStream } from './event-tap'
import { FinalEventTap } from './final-event-tap'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'
import { soundTokens, TOKENS_PER_SECOND } from './sound-tokens'

/** Twice what the slowest voice takes for a character. */
const BOUND_TOKENS_PER_CHARACTER = 8
const BOUND_TOKENS_AT_LEAST = 500
/** Two channels of 16 bits at 48 kHz: no provider sends more. */
const MAX_BYTES_PER_SECOND = 192_000
/** Four characters for three bytes, and the events around them. */
const BASE64_FACTOR = 2

/** Source: the OpenAI API reference, "Create speech". */
export const SpeechBody = z.looseObject({
  model: ModelName,
  input: z.string().min(1).max(100_000),
  voice: z.unknown().optional(),
  response_format: z.string().nullish(),
  stream_format: z.enum(['audio', 'sse']).nullish()
})
type SpeechBody = z.infer<typeof SpeechBody>

/** `POST /v1/audio/speech`: a text read aloud, streamed as it is spoken. */
export const audioSpeech: Operation = {
  name: 'audio.speech',
  path: '/v1/audio/speech',
  scope: 'audio',
  parse: raw => new SpeechRequest(raw, SpeechBody),
  toError: toOpenAiError
}

class SpeechRequest extends JsonRequest<SpeechBody> implements CallRequest {
  readonly stream = true
  readonly unit = 'characters'

  bound() {
    return { inputTokens: this.raw.length, outputTokens: this.boundTokens(), units: this.measure() }
  }

  /** Known to the character before anything is spoken. */
  measure() {
    return { characters: [...this.body.input].length }
  }

  countInput() {
    return countTextTokens(this.body.input)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('audio.speech', 'speech', target, { body: this.body, stream: true }, transport, signal)
  }

  readAnswer(): WholeAnswer {
    throw new Error('Speech is always a stream')
  }

  /** Not every model has events (`stream_format`): the answer tells. */
  tap(headers: UpstreamResponse['headers']) {
    const maxBytes = Math.ceil(this.boundTokens() / TOKENS_PER_SECOND * MAX_BYTES_PER_SECOND)
    if (isEventStream(headers)) return new FinalEventTap(['speech.audio.done'], maxBytes * BASE64_FACTOR, { tokensOf: ({ audio }) => typeof audio === 'string' ? this.tokensIn(audio.length * 3 / 4) : 0 })
    return new BinaryTap(headers, maxBytes, bytes => this.tokensIn(bytes))
  }

  private boundTokens(): number {
    return BOUND_TOKENS_AT_LEAST + this.body.input.length * BOUND_TOKENS_PER_CHARACTER
  }

  private tokensIn(bytes: number): number {
    return soundTokens(bytes, this.body.response_format ?? 'mp3')
  }
}

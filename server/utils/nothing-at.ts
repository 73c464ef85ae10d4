import { LoomError } from '../errors'
import { toAnthropicError } from '../gateway/anthropic-error'
import { toOpenAiError } from '../gateway/openai-error'
import { toApiError } from './api-error'

/** Below these, whoever asks is a program with an API key. */
export const SDKS = /^\/(?:v1|openai)(?:[/?]|$)/
/** Below these, whoever asks speaks Anthropic's format. */
const ANTHROPIC = /^\/(?:openai\/)?v1\/messages(?:\/|$)/
const PROGRAMS = /^\/(?:api|internal|health|ready|metrics)(?:\/|$)/

/** The body of a 404 for a request that no route takes, in the format of who asks there; undefined where people get a page. */
export function nothingAt(method: string, url: string): object | undefined {
  const path = url.split('?')[0]?.slice(0, 200) ?? ''
  if (SDKS.test(path)) {
    const error = new LoomError('not_found', `There is nothing to ${method} at ${path}. GET /v1/openapi.json tells what there is.`)
    return ANTHROPIC.test(path) ? toAnthropicError(error) : toOpenAiError(error)
  }
  return PROGRAMS.test(path) ? toApiError(new LoomError('not_found', `There is nothing to ${method} at ${path}.`)).body : undefined
}

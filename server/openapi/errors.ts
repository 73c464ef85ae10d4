import { statusOf } from '../errors'
import type { ErrorCode } from '../errors'
import { errorHeaders, referToHeaders } from './headers'
import type { RouteReference } from './route-reference'

const meanings: Record<number, string> = {
  400: 'The request is not valid; `param` names the field.',
  401: 'The API key is missing, mistyped, unknown, revoked or expired.',
  402: 'The money does not suffice. Waiting does not help (`x-should-retry: false`).',
  403: 'The key may not do this.',
  404: 'There is no such thing, or not for this key.',
  409: 'The billing reference or idempotency key was used for something else.',
  413: 'The body is too large.',
  422: 'The model has no price, and this org pays.',
  429: 'A limit is used up; `retry-after` says for how long.',
  500: 'Something failed on our side; nothing was charged.',
  502: 'The provider failed.',
  503: 'No provider, or not the database, can be reached right now.',
  504: 'The provider took too long.'
}

/** Of what never became a request: which format was meant is not known then, so its error is of both at once. */
const ofConnections: Record<number, string> = {
  408: 'The request did not arrive in time. A provider\'s own 408 is passed on under that status, too.',
  431: 'The headers are larger than 16 KiB.'
}

const PASSED_ON = 'What a provider refuses or fails at under another status (415, 424, 529, …) is passed on under that. In OpenAI\'s format any refusal (4xx) of a provider\'s has the provider\'s own `code`, where it tells one.'
const formats = [['openai', 'Error'], ['anthropic', 'AnthropicError']] as const

const ofLookUps: readonly number[] = [400, 401, 403, 404, 408, 429, 431, 500, 503]
const ofBodies: readonly number[] = [409, 413, 422]

/** A response for each error status, and for those that are a provider's own, in each format. */
export function errorResponses(): Record<string, unknown> {
  const own = Object.entries(meanings).map(([status, meaning]) => [status, `${meaning} \`code\`: ${codesOf(Number(status)).map(code => `\`${code}\``).join(', ')}.`])
  const descriptions: Record<string, string> = { ...Object.fromEntries(own), ...ofConnections, default: PASSED_ON }
  const responses: Record<string, unknown> = {}
  for (const [status, description] of Object.entries(descriptions)) {
    for (const [format, schema] of formats) {
      const headers = referToHeaders(errorHeaders, format)
      responses[`${format}-${status}`] = { description, headers, content: { 'application/json': { schema: status in ofConnections && format === 'openai' ? { anyOf: [refer(schema), refer('AnthropicError')] } : refer(schema) } } }
    }
  }
  return responses
}

function refer(schema: string): { $ref: string } {
  return { $ref: `#/components/schemas/${schema}` }
}

/** Those a route may answer. */
export function describeErrors({ body, callsModel, errors }: RouteReference): Record<string, unknown> {
  const statuses = callsModel ? [...Object.keys({ ...meanings, ...ofConnections }), 'default'] : [...ofLookUps, ...(body ? ofBodies : [])]
  return Object.fromEntries(statuses.map(status => [status, { $ref: `#/components/responses/${errors}-${status}` }]))
}

/** Codes that `/v1` never answers. */
const ofOtherApis: readonly string[] = ['unauthenticated', 'conflict'] satisfies ErrorCode[]

function codesOf(status: number): string[] {
  return Object.entries(statusOf)
    .filter(([code, its]) => its === status && !ofOtherApis.includes(code))
    .map(([code]) => code === 'invalid_request' ? 'invalid_request_error' : code)
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { LoomError } from '../errors'
import { errorHeaders, toOpenAiError } from '../gateway/openai-error'
import type { Operation } from '../gateway/operations/operation'
import type { Readiness } from '../operations/check-readiness'

/** What is answered while the start waits for `missing` migrations: `/ready` names them, all else is to be asked again. */
export function serveUnmigrated(request: IncomingMessage, response: ServerResponse, missing: readonly string[], { toError = toOpenAiError }: Partial<Pick<Operation, 'toError'>> = {}): void {
  const error = new LoomError('service_unavailable', 'The database is being brought up to date. Nothing was charged; try again shortly.', { retryAfterSeconds: 2 })
  const readiness: Readiness = { ready: false, checks: { database: 'ok', migrations: `pending: ${missing.join(', ')}`, process: 'starting' } }
  const isReadiness = request.url?.split('?')[0] === '/ready'
  response.writeHead(503, { 'content-type': 'application/json', ...errorHeaders(error) }).end(JSON.stringify(isReadiness ? readiness : toError(error)))
}

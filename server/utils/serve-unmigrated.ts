import type { IncomingMessage, ServerResponse } from 'node:http'
import { LoomError } from '../errors'
import { errorHeaders, toOpenAiError } from '../gateway/openai-error'
import type { Operation } from '../gateway/operations/operation'
import type { Readiness } from '../operations/check-readiness'
import type { MigrationWait } from '../operations/wait-for-migrations'

const error = new LoomError('service_unavailable', 'The database is being brought up to date. Nothing was charged; try again shortly.', { retryAfterSeconds: 2 })
/** For people: an error object tells them nothing, and does not look again. */
const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark light"><meta http-equiv="refresh" content="${error.retryAfterSeconds}"><title>Loom</title>
<main><h1>Loom</h1><p>The database is being brought up to date. This page looks again by itself.</p></main></html>
`

/** The path of a request, without its query. */
export function pathOf(request: Pick<IncomingMessage, 'url'>): string | undefined {
  return request.url?.split('?', 1)[0]
}

/** What is answered during `wait`: `/ready` says what is missing, browsers are shown a page that reloads itself, all else is to be asked again. */
export function serveUnmigrated(request: IncomingMessage, response: ServerResponse, { missing, database }: MigrationWait, { toError = toOpenAiError }: Partial<Pick<Operation, 'toError'>> = {}): void {
  const answer = (type: string, body: string) => response.writeHead(503, {
    'content-type': type, 'cache-control': 'no-store', 'content-security-policy': 'default-src \'none\'; frame-ancestors \'none\'', 'x-content-type-options': 'nosniff', ...errorHeaders(error)
  }).end(body)
  if (pathOf(request) === '/ready') {
    const checks = { database, migrations: database === 'ok' ? `pending: ${missing.join(', ')}` : 'unknown', process: 'starting' }
    answer('application/json', JSON.stringify({ ready: false, checks } satisfies Readiness))
  } else if (request.headers.accept?.includes('text/html')) {
    answer('text/html; charset=utf-8', page)
  } else {
    answer('application/json', JSON.stringify(toError(error)))
  }
}

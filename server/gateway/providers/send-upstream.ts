import { LoomError } from '../../errors'
import { readToldFailure } from '../told-failure'
import type { Connection, Transport, UpstreamRequest, UpstreamResponse } from './provider'
import { readErrorJson, toErrorResponse } from './upstream-failure'

/** What every request to a provider carries; a kind adds its credential. Nothing of the caller's headers goes upstream. */
export const commonHeaders = {
  'content-type': 'application/json',
  // The tap reads the bytes as they pass: they must arrive plain.
  'accept-encoding': 'identity',
  'user-agent': 'loom'
} as const

const JSON_FOR_STREAM = 'answered a streaming call without a stream.'

/**
 * Sends a request and sorts the answer: a success is given back unread, an error status becomes an OpenAI error
 * object under the same status.
 * @throws {LoomError} `upstream_error` when it is neither: a redirect, a web page, a compressed body, JSON in place of a stream; a failure told in that
 */
export async function sendUpstream(connection: Connection, request: UpstreamRequest, stream: boolean, transport: Transport, signal: AbortSignal): Promise<UpstreamResponse> {
  const headers = { accept: stream ? 'text/event-stream' : 'application/json', ...request.headers }
  const response = await transport({ ...request, headers, publicOnly: connection.publicOnly }, signal)
  if (response.status >= 400) return toErrorResponse(connection, response)
  const fault = faultOf(response, stream)
  if (!fault) return response
  const failure = fault === JSON_FOR_STREAM ? readToldFailure(await readErrorJson(response.body)) : undefined
  response.body.on('error', ignoreAfterRefusal).destroy()
  throw failure ?? new LoomError('upstream_error', `Connection "${connection.name}" ${fault} Check its base URL under Connections.`)
}

function faultOf(response: UpstreamResponse, stream: boolean): string | undefined {
  if (response.status < 200 || response.status >= 300) return `answered with a redirect (status ${response.status}), which is never followed.`
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return 'answered with a compressed body though asked for a plain one.'
  const type = response.headers['content-type'] ?? ''
  if (type.startsWith('text/html')) return 'answered with a web page.'
  if (stream && type.startsWith('application/json')) return JSON_FOR_STREAM
  return undefined
}

/** The answer was already refused, and the caller is told why: that its rest fails to arrive adds nothing. */
function ignoreAfterRefusal(): void {}

import { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Config } from '../config'
import type { WebServer } from './await-listening'

type Limits = Pick<Config, 'CLIENT_HEADERS_TIMEOUT_MS' | 'CLIENT_REQUEST_TIMEOUT_MS' | 'UPSTREAM_TOTAL_TIMEOUT_MS'>

/** How late a timeout may be noticed. */
const MAX_CHECK_INTERVAL_MS = 5_000
/** How much longer than the longest call a connection may be silent: then nobody is there to read. */
const SILENCE_MARGIN_MS = 30_000
/**
 * How long a connection is kept for the next request: longer than the minute that nginx or AWS's balancer in front keeps its own, which else would send a request
 * on one that is closing, and longer than people and agents pause. To open one takes a turn of the event loop each, so many at once wait.
 */
const KEEP_ALIVE_MS = 75_000

/**
 * Bounds what a client may take of the HTTP server: the time to send its headers and its whole request, and the silence
 * of its connection, between requests too. Call it before the server listens.
 */
export function boundClients(server: WebServer, limits: Limits): void {
  server.headersTimeout = limits.CLIENT_HEADERS_TIMEOUT_MS
  server.requestTimeout = limits.CLIENT_REQUEST_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.timeout = limits.UPSTREAM_TOTAL_TIMEOUT_MS + SILENCE_MARGIN_MS
  // An option of the constructor that is read when the server begins to listen; its types know it as an option only.
  Object.assign(server, { connectionsCheckingInterval: Math.min(MAX_CHECK_INTERVAL_MS, Math.ceil(limits.CLIENT_HEADERS_TIMEOUT_MS / 2)) })
  server.on('clientError', refuse)
}

const refusals: Record<string, { status: string, message: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request did not arrive in time. Send it again, faster.' },
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', message: 'The headers are larger than 16 KiB.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Content Too Large', message: 'The chunk extensions of the body are larger than 16 KiB.' }
}
const notHttp = { status: '400 Bad Request', message: 'The request is not valid HTTP/1.1.' }

/** Answers what never became a request, or ended as none. The shape is an error of OpenAI's and of Anthropic's at once: which of them was meant is not known here. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET' || answering(socket)) return void socket.destroy()
  const { status, message } = refusals[error.code ?? ''] ?? notHttp
  const body = JSON.stringify({ type: 'error', error: { message, type: 'invalid_request_error', param: null, code: 'invalid_request_error' } })
  socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`, () => socket.destroy())
}

/** Whether an answer has begun on this connection: a second one would be read as a part of it. */
function answering(socket: Duplex): boolean {
  return '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse && socket._httpMessage.headersSent
}

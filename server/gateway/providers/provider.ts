import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { ProviderKind } from '../../../shared/catalog'
import type { Delivered } from '../operations/operation'
import type { OperationName } from '../operations/operation-name'

/** A connection ready to use: the secret decrypted, in memory only. Never logged, never serialised. */
export interface Connection {
  id: string
  kind: ProviderKind
  name: string
  baseUrl: string | null
  secret: string | null
  /** Checked against the provider's `Config` when it was read. */
  config: unknown
  /** A tenant wrote its address: it must not lead into a private network. */
  publicOnly?: boolean
  /** It is the platform's: whatever its account keeps at the provider, all orgs could name. */
  isShared?: boolean
}

/** One call in its operation's format, as the caller sent it plus what the road adds. */
export interface ProviderRequest {
  /** The caller's whole body; unknown fields are kept and passed on. */
  body: Readonly<Record<string, unknown>>
  /** What the provider calls the model. */
  upstreamModel: string
  stream: boolean
  /** Headers of the caller that belong to the format, such as `anthropic-beta`. Never a credential. */
  headers?: Readonly<Record<string, string>>
  /** The body of an operation that takes files, in place of `body`; under the model's name upstream. It may be read again for another attempt. */
  form?: { contentType: string, bytes: number, read: () => AsyncIterable<Buffer> }
}

/**
 * Puts one call to a provider. The response's `status` is the upstream's own; on ≥ 400 the body is an OpenAI error
 * object, whatever the operation, else the body is in the operation's own format. Destroying `body` or aborting `signal`
 * closes the upstream connection at once.
 * @throws {LoomError} `invalid_request` when this kind cannot express the request; `upstream_error` when the answer
 * is no answer at all (a redirect, a web page, a compressed body); whatever `transport` throws
 */
export type ProviderCall = (connection: Connection, call: ProviderRequest, transport: Transport, signal: AbortSignal) => Promise<UpstreamResponse>

export interface UpstreamRequest {
  url: URL
  headers: Record<string, string>
  /** A text, or what the caller sends as it comes. */
  body: string | AsyncIterable<Buffer>
  publicOnly?: boolean | undefined
}

export interface UpstreamResponse {
  status: number
  /** Lower-case names. */
  headers: Record<string, string>
  body: Readable
  /** Of a stream that is translated, so far: with what has no place in the format of `body`. */
  delivered?: () => Delivered
}

/**
 * Sends a POST over HTTP with the pools and timeouts of the call step, never following a redirect (it would carry the
 * credential elsewhere); resolves with the response's headers, its body unread.
 * @throws {LoomError} `upstream_error` when the connection fails, `upstream_timeout` when it takes too long
 */
export type Transport = (request: UpstreamRequest, signal: AbortSignal) => Promise<UpstreamResponse>

/**
 * The one contract of all provider kinds: take a chat-completions call, answer in the OpenAI format. Operations a kind
 * does not speak itself are built on that.
 *
 * - A refused credential (401, 403) has the code `connection_refused_credential` and never the provider's own words,
 *   which quote the key.
 * - Not streaming: the body is one `chat.completion` JSON object, with `usage` when the upstream tells it.
 * - Streaming: the body is an SSE stream of `chat.completion.chunk` objects, then a chunk with empty `choices` and
 *   `usage` when the upstream tells it, then `data: [DONE]`. What it tells of the prompt before it answers may come first, in a
 *   chunk with empty `choices` and a `usage` without `completion_tokens`: it counts should the answer break off. An upstream failure mid-stream is an event whose data
 *   is `{"error": {...}}`, and no `[DONE]` follows. A broken connection destroys `body` with its error.
 * - Where the upstream speaks that format already, `body` is the upstream's own stream, untouched.
 * - `usage.prompt_tokens` includes cached tokens; `prompt_tokens_details.cached_tokens` and
 *   `prompt_tokens_details.cache_write_tokens` tell the parts; `completion_tokens_details.reasoning_tokens` likewise.
 */
export interface Provider {
  kind: ProviderKind
  /** The connection's `config`, checked when a connection is written and read. */
  Config: z.ZodType
  chatCompletions: ProviderCall
  /**
   * The most tokens that the prompt of a call comes to, by the provider's own count, which it gives for nothing; undefined where it refuses. The call is in the format of chats, or in one
   * that the kind speaks itself.
   * @throws {LoomError} as `ProviderCall`
   */
  countPrompt?: (format: 'chat.completions' | 'messages' | 'responses', connection: Connection, call: ProviderRequest, transport: Transport, signal: AbortSignal) => Promise<number | undefined>
  /**
   * Another operation that the kind speaks itself, bytes passed through, with that model and as the connection is configured.
   * @throws {LoomError} `invalid_request` where it would, configured otherwise, and nothing else serves
   */
  native?: (operation: OperationName, connection: Connection, upstreamModel: string) => ProviderCall | undefined
}

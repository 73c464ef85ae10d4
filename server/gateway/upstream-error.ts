import { z } from 'zod'
import { LoomError } from '../errors'
import type { ErrorCode } from '../errors'
import { ByteCollector } from '../utils/byte-collector'
import type { UpstreamResponse } from './providers/provider'
import { wordIn } from './providers/upstream-failure'

const MAX_ERROR_BYTES = 64 * 1024
const MAX_MESSAGE_LENGTH = 2_000

const ErrorBody = z.object({ error: z.looseObject({ message: z.string(), param: z.string().nullish(), code: z.union([z.string(), z.number()]).nullish(), innererror: z.record(z.string(), z.unknown()).nullish() }) })

/** An upstream's refusal, and what the road should do about it. */
export interface UpstreamRefusal {
  error: UpstreamStatusError
  /** `retry` the target, leave it for the `next_target`, or `final`: the request itself is at fault. */
  verdict: 'retry' | 'next_target' | 'final'
  retryAfterMs: number | undefined
}

interface ToldReason {
  /** Its own name for what the caller did wrong, such as `context_length_exceeded`. */
  code?: string | undefined
  /** What Azure adds: by which of its filters a prompt was refused. */
  innererror?: Record<string, unknown> | undefined
}

/** A failure that keeps the status the upstream gave. */
export class UpstreamStatusError extends LoomError {
  /** @param told what the upstream says of it beside its words */
  constructor(code: ErrorCode, message: string, private readonly upstreamStatus: number, options: ConstructorParameters<typeof LoomError>[2], readonly told: ToldReason = {}) {
    super(code, message, options)
  }

  override get status(): number {
    return this.upstreamStatus
  }
}

/**
 * Reads an error response (an OpenAI error object, as the provider contract says). The caller gets the upstream's
 * own status and message; only 401, 402 and 403 become 502, because it is the connection's credential or account that
 * was refused, not the caller's key or wallet.
 */
export async function readUpstreamError(response: UpstreamResponse): Promise<UpstreamRefusal> {
  // Beyond 599 HTTP knows no meaning: a caller could not, either.
  const status = response.status > 599 ? 502 : response.status
  const body = ErrorBody.safeParse(await readJson(response)).data?.error
  const retryAfterMs = readRetryAfter(response.headers)
  const message = (body?.message ?? `The provider answered with status ${status}.`).slice(0, MAX_MESSAGE_LENGTH)
  const options = { param: body?.param ?? undefined, details: { upstream_status: status, ...(body?.code != null && { upstream_code: body.code }) }, retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000) }
  const meant = body && isOutOfMoney(body) ? 402 : status
  const refused = connectionRefusals.get(meant)
  const error = refused === undefined
    ? new UpstreamStatusError(codeOf(status), message, status, options, status < 500 ? { code: wordIn(body?.code), innererror: body?.innererror ?? undefined } : {})
    : new UpstreamStatusError('upstream_error', refused, 502, options)
  return { error, verdict: isKeptElsewhere(body?.code) ? 'next_target' : verdictOf(meant), retryAfterMs }
}

/** OpenAI tells a rate limit of an account without money, which no waiting fills, or a bad request; Anthropic, whose errors have no codes, a bad request in these words. */
function isOutOfMoney({ code, message }: { code?: unknown, message: string }): boolean {
  return code === 'insufficient_quota' || code === 'billing_hard_limit_reached' || code === 'billing_not_active' || message.startsWith('Your credit balance is too low')
}

/** An answer, or thoughts, that another account of OpenAI's gave: where a route has several, one of them has it. Source: litellm#18094 and #19143, of routes with two accounts. */
function isKeptElsewhere(code: unknown): boolean {
  return code === 'previous_response_not_found' || code === 'invalid_encrypted_content'
}

const refusedCredential = 'The provider refused the credential of this connection. Ask an admin to check it.'

/** What a caller is told of a connection that its provider refuses, whoever calls. */
const connectionRefusals: ReadonlyMap<number, string> = new Map([
  [401, refusedCredential],
  [402, 'The account of this connection at its provider has run out of money. Ask an admin to top it up.'],
  [403, refusedCredential]
])

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'rate_limit_exceeded'
  return status >= 500 || status === 408 || status === 409 ? 'upstream_error' : 'invalid_request'
}

function verdictOf(status: number): UpstreamRefusal['verdict'] {
  if (status === 408 || status === 409 || status === 429 || status >= 500) return 'retry'
  return connectionRefusals.has(status) || status === 404 ? 'next_target' : 'final'
}

/** `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110, 10.2.3). */
function readRetryAfter(headers: Record<string, string>): number | undefined {
  const milliseconds = Number(headers['retry-after-ms'] ?? Number.NaN)
  if (milliseconds >= 0) return milliseconds
  const header = headers['retry-after']
  if (header === undefined) return undefined
  const seconds = Number(header)
  const waitMs = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000
  return Number.isNaN(waitMs) ? undefined : Math.max(waitMs, 0)
}

async function readJson(response: UpstreamResponse): Promise<unknown> {
  const body = new ByteCollector()
  try {
    for await (const chunk of response.body) {
      body.push(chunk)
      if (body.size > MAX_ERROR_BYTES) {
        response.body.destroy()
        return undefined
      }
    }
    return JSON.parse(body.bytes().toString('utf8'))
  } catch {
    // A broken or unreadable error body: the status alone tells the caller enough.
    return undefined
  }
}

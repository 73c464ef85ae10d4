import { pipeline, Readable } from 'node:stream'
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { z } from 'zod'
import { LoomError } from '../../errors'
import { parseJson } from '../../../shared/parse-json'
import { ByteCollector } from '../../utils/byte-collector'
import type { Connection, UpstreamResponse } from './provider'

const MAX_ERROR_BYTES = 64 * 1024
const MAX_MESSAGE_LENGTH = 2_000
const MAX_INNER_LENGTH = 8_000
const MAX_INNER_DEPTH = 6

/** The object OpenAI's SDKs turn into their error classes. */
export interface OpenAiError {
  error: { message: string, type: string, param: string | null, code: string | null, innererror?: Record<string, unknown> }
}

const text = z.string().optional().catch(undefined)
const Explanation = z.object({
  message: text,
  type: text,
  param: text,
  code: z.union([z.string(), z.number().transform(String)]).optional().catch(undefined),
  innererror: z.record(z.string(), z.unknown()).optional().catch(undefined)
})

/** What Google adds to an error: why, and when to come again (`34.4s`); and Anthropic, whose errors have no code beside their type. */
const Details = z.union([z.array(z.object({ reason: text, retryDelay: text })), z.object({ error_code: text })]).optional().catch(undefined)

/** Errors as providers write them: nested (OpenAI, Azure, Anthropic, Google), flat (vLLM), a string (Ollama), or `detail` (FastAPI). */
const ErrorBody = Explanation.extend({
  error: z.union([z.string().transform(message => ({ message, details: undefined })), Explanation.extend({ details: Details })]).optional().catch(undefined),
  detail: text
})
type ErrorBody = z.infer<typeof ErrorBody>

/**
 * The upstream's error answer as an OpenAI error object, its status and other headers (`retry-after`) kept.
 * @throws {LoomError} `upstream_error` when it breaks off half way
 */
export async function toErrorResponse(connection: Connection, response: UpstreamResponse): Promise<UpstreamResponse> {
  return errorResponse(connection, response, await readErrorJson(plainBody(response)))
}

const decoders: Readonly<Record<string, () => Transform>> = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress }

/** Some proxies compress what they say themselves, though it was asked for plain. */
function plainBody({ headers, body }: UpstreamResponse): Readable {
  const decoder = decoders[headers['content-encoding'] ?? '']?.()
  // Whoever reads it hears of its failures.
  return decoder ? pipeline(body, decoder, () => {}) : body
}

function errorResponse(connection: Connection, { status: given, headers: sent }: Omit<UpstreamResponse, 'body'>, told: unknown): UpstreamResponse {
  const body = ErrorBody.safeParse(told).data
  const details = Array.isArray(body?.error?.details) ? body.error.details : undefined
  // Google and xAI call a wrong key a bad request.
  const isKeyWrong = details?.some(({ reason }) => reason === 'API_KEY_INVALID') || (given === 400 && body?.error?.message?.startsWith('Incorrect API key provided'))
  const status = isKeyWrong ? 401 : given
  const json = JSON.stringify(describeFailure(connection, status, body))
  const retryDelay = details?.map(detail => parseSeconds(detail.retryDelay)).find(seconds => seconds !== undefined)
  const { 'content-length': _length, 'content-encoding': _encoding, 'transfer-encoding': _transfer, ...headers } = sent
  return {
    status,
    headers: { ...(retryDelay !== undefined && { 'retry-after': String(retryDelay) }), ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(json)) },
    body: Readable.from([Buffer.from(json)], { objectMode: false })
  }
}

function describeFailure(connection: Connection, status: number, body: ErrorBody | undefined): OpenAiError {
  if (status === 401 || status === 403) {
    return openAiError(`The provider refused the credential of connection "${connection.name}" (status ${status}). Ask an admin to renew it under Connections.`, 'upstream_error', 'connection_refused_credential')
  }
  if (!body) return openAiError(`The provider answered with status ${status} and no explanation.`, 'upstream_error')
  const { error, detail, ...flat } = body
  const found: z.infer<typeof Explanation> = error ?? flat
  const told = found.message ?? detail
  const message = told === undefined ? `The provider answered with status ${status} and no explanation.` : redact(told, connection)
  const ownCode = error?.details && 'error_code' in error.details ? error.details.error_code : undefined
  const [code, param] = [found.code ?? ownCode, found.param].map(word => word === undefined ? undefined : redact(word, connection))
  const described = openAiError(message, found.type ?? 'upstream_error', code, param)
  const innererror = found.innererror && redactWithin(found.innererror, connection)
  return innererror && JSON.stringify(innererror).length <= MAX_INNER_LENGTH ? { error: { ...described.error, innererror } } : described
}

/** What is nested more deeply than any provider writes is left out. */
function redactWithin(object: object, connection: Connection, depth = MAX_INNER_DEPTH): Record<string, unknown> {
  const redacted = (value: unknown): unknown => {
    if (typeof value === 'string') return redact(value, connection)
    if (typeof value !== 'object' || value === null) return value
    if (depth === 1) return null
    return Array.isArray(value) ? Object.values(redactWithin(value, connection, depth - 1)) : redactWithin(value, connection, depth - 1)
  }
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [redact(name, connection), redacted(value)]))
}

/** A duration as Google writes it, in whole seconds, rounded up. */
function parseSeconds(duration: string | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(duration ?? '')?.[1]
  return seconds === undefined ? undefined : Math.ceil(Number(seconds))
}

/** An error event in the middle of a stream says no more than an error answer would. */
export function describeStreamFailure(connection: Connection, message: string, type: string, code?: string): OpenAiError {
  return openAiError(redact(message, connection), type, code && redact(code, connection))
}

function openAiError(message: string, type: string, code?: string, param?: string): OpenAiError {
  return { error: { message: message.slice(0, MAX_MESSAGE_LENGTH), type, param: param ?? null, code: code ?? null } }
}

/** A failure told in an answer, in the provider's own words: for no caller's eyes until `redactFailure` has looked through it. */
export class ToldFailure extends LoomError {
  /** All that was told, where it is an error as error answers have one. */
  readonly told: unknown
  /** The provider's own code for it, by which its clients know what to do: they shorten a prompt, wait, or give up. */
  readonly word: string | undefined

  constructor(message: string, { told, code, cause }: { told?: unknown, code?: unknown, cause?: unknown } = {}) {
    super('upstream_error', message, { cause })
    this.told = told
    this.word = wordIn(code)
  }
}

/** A code that programs know by name; a number repeats the status, and anything longer is prose. */
export function wordIn(code: unknown): string | undefined {
  return typeof code === 'string' && /^[a-z]\w{0,63}$/i.test(code) ? code : undefined
}

/** Words that OpenAI has for a status in an event of a response. */
const toldStatuses: Readonly<Record<string, number>> = { insufficient_quota: 429, rate_limit_exceeded: 429 }
const ToldStatus = z.object({ code: z.preprocess(code => toldStatuses[String(code)] ?? code, z.coerce.number().int().min(400).max(599)) })

/** A failure told under a 200 as the error answer it should have been, where it tells its status, as OpenRouter's and vLLM's do. */
export function toldResponse(connection: Connection, { told }: ToldFailure): UpstreamResponse | undefined {
  const status = ToldStatus.safeParse(told).data?.code
  return status === undefined ? undefined : errorResponse(connection, { status, headers: {} }, { error: told })
}

/** A failure as the caller may read it. Our own words hide nothing, and come back as they are. */
export function redactFailure(error: LoomError, connection: Connection): LoomError {
  return error instanceof ToldFailure ? new ToldFailure(redact(error.message, connection).slice(0, MAX_MESSAGE_LENGTH), { code: error.word && redact(error.word, connection), cause: error }) : error
}

/** Providers quote keys and name the account in their messages; a connection may be another tenant's or the platform's. */
function redact(message: string, { secret }: Connection): string {
  const withoutSecret = secret ? message.replaceAll(secret, '[redacted]') : message
  return withoutSecret.replace(/\b(?:(?:sk|org|proj)-|AIza)[\w*-]{6,}/g, '[redacted]')
}

/**
 * An error body as JSON, as much of it as is worth reading; undefined for what is none.
 * @throws {LoomError} `upstream_error` when it breaks off half way
 */
export async function readErrorJson(body: Readable): Promise<unknown> {
  const json = parseJson(await readStart(body))
  // Google's endpoint in OpenAI's format puts it into a list.
  return Array.isArray(json) ? json.at(0) : json
}

async function readStart(body: Readable): Promise<string> {
  const start = new ByteCollector()
  try {
    for await (const chunk of body) {
      start.push(Buffer.from(chunk))
      if (start.size > MAX_ERROR_BYTES) break
    }
  } catch (cause) {
    throw new LoomError('upstream_error', 'The provider broke off while explaining an error.', { cause })
  }
  return start.bytes().toString('utf8')
}

import { IncomingMessage } from 'node:http'
import type { H3Event } from 'h3'
import { getQuery, getRequestHeader, getRouterParam, readRawBody } from 'h3'
import { z } from 'zod'
import { StatementMonth } from '../../shared/billing'
import { parseJson } from '../../shared/parse-json'
import { LoomError } from '../errors'
import { ByteCollector } from './byte-collector'
import { bodyHasCome } from './late-body'
import { tooLarge as fileTooLarge } from '../files/inspect-bytes'

const Id = z.uuid()
const Token = z.string().regex(/^[\w-]{20,100}$/)
/** More than any form of the app needs; routes that take more say so. */
const DEFAULT_MAX_BYTES = 1024 * 1024

/**
 * The JSON body, parsed by `schema`. An absent body parses as `{}`.
 * @throws {LoomError} `body_too_large`, or `invalid_request` when it is no JSON
 * @throws {ZodError} when it is not what `schema` says
 */
export async function readJson<Schema extends z.ZodType>(event: H3Event, schema: Schema, maxBytes = DEFAULT_MAX_BYTES): Promise<z.infer<Schema>> {
  const text = (await readBoundedBody(event, maxBytes)).toString('utf8')
  const json = text === '' ? {} : parseJson(text)
  if (json === undefined) throw new LoomError('invalid_request', 'The body is not valid JSON.')
  return schema.parse(json)
}

/** @throws {ZodError} when the query is not what `schema` says */
export function readQuery<Schema extends z.ZodType>(event: H3Event, schema: Schema): z.infer<Schema> {
  return schema.parse(getQuery(event))
}

/**
 * The id in the path. What cannot be an id is answered as an id nobody has.
 * @throws {LoomError} `not_found`
 */
export function readId(event: H3Event, name = 'id'): string {
  const parsed = Id.safeParse(getRouterParam(event, name))
  if (!parsed.success) throw new LoomError('not_found', 'There is nothing with this id.')
  return parsed.data
}

/**
 * The month in the path, such as `2026-11`.
 * @throws {LoomError} `not_found` for what cannot be one
 */
export function readMonth(event: H3Event): string {
  const parsed = StatementMonth.safeParse(getRouterParam(event, 'month'))
  if (!parsed.success) throw new LoomError('not_found', 'There is no such month. Name one like 2026-11.')
  return parsed.data
}

/**
 * The one-time token in the path.
 * @throws {LoomError} `not_found` for what cannot be one
 */
export function readToken(event: H3Event): string {
  const parsed = Token.safeParse(getRouterParam(event, 'token'))
  if (!parsed.success) throw new LoomError('not_found', 'This link is not valid.')
  return parsed.data
}

/** The version a change is meant for, as `If-Match` names it; undefined where the caller does not mind. */
export function readVersion(event: H3Event): string | undefined {
  const tag = getRequestHeader(event, 'if-match')?.trim()
  return tag === undefined || tag === '*' ? undefined : tag.replace(/^(?:W\/)?"(.*)"$/, '$1')
}

/**
 * The raw body, never more than `maxBytes` of it in memory.
 * @throws {LoomError} `body_too_large`, or as `askAfterBody` was told
 */
export async function readBoundedBody(event: H3Event, maxBytes: number): Promise<Buffer> {
  const request = event.node.req
  if (Number(getRequestHeader(event, 'content-length') ?? 0) > maxBytes) throw tooLarge(event, maxBytes)
  // Calls the server makes to itself while rendering carry their body in memory.
  if (!(request instanceof IncomingMessage)) return await readRawBody(event, false) ?? Buffer.alloc(0)
  const body = new ByteCollector()
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    body.push(Buffer.from(chunk))
    if (body.size > maxBytes) throw tooLarge(event, maxBytes)
  }
  await bodyHasCome(event)
  return body.bytes()
}

/**
 * The raw body a piece at a time, for whoever bounds it as it comes. One that says it is larger than `maxBytes` is refused before its first byte.
 * @throws {LoomError} `body_too_large`, or after the last byte as `askAfterBody` was told
 */
export async function* readChunks(event: H3Event, maxBytes: number): AsyncGenerator<Buffer> {
  // Should it be refused on the way, what is left unread ends the connection.
  event.node.res.setHeader('connection', 'close')
  if (Number(getRequestHeader(event, 'content-length') ?? 0) > maxBytes) throw fileTooLarge(maxBytes)
  for await (const chunk of event.node.req.iterator({ destroyOnReturn: false })) yield Buffer.from(chunk)
  await bodyHasCome(event)
}

function tooLarge(event: H3Event, maxBytes: number): LoomError {
  // The rest of the body stays unread, so the connection cannot serve another request.
  event.node.res.setHeader('connection', 'close')
  return new LoomError('body_too_large', `The body is larger than the ${maxBytes} bytes this call takes.`)
}

import type { H3Event } from 'h3'
import { handleCors } from 'h3'
import type { Config } from '../config'
import { SDKS } from './nothing-at'

/**
 * Lets pages of the origins in `CORS_ALLOWED_ORIGINS` call `/v1` and `/openai` and read all of the answer, its headers too (Fetch standard, "CORS protocol"). Cookies open nothing
 * there, and are not asked for; what they do open, `/api`, no other site ever reads.
 * @returns whether it was only asked if such a call is allowed, and is answered
 */
export function allowOrigins(event: H3Event, { CORS_ALLOWED_ORIGINS: origins }: Pick<Config, 'CORS_ALLOWED_ORIGINS'>): boolean {
  if (origins.length === 0 || event.node.req.headers.origin === undefined || !SDKS.test(event.path)) return false
  return handleCors(event, { origin: origins.includes('*') ? '*' : origins, methods: '*', allowHeaders: '*', exposeHeaders: '*' })
}

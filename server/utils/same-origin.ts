import type { H3Event } from 'h3'
import { getRequestHeader } from 'h3'
import { LoomError } from '../errors'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a state-changing call that another site made a browser send (its cookies ride along). Browsers always say where such
 * a call comes from: `Sec-Fetch-Site`, or at least `Origin`. A client that says neither is no browser and carries no one's cookies unknowingly.
 * @throws {LoomError} `forbidden`
 */
export function requireSameOrigin(event: H3Event, appUrl: string | undefined): void {
  if (SAFE_METHODS.has(event.method)) return
  const site = getRequestHeader(event, 'sec-fetch-site')
  const origin = getRequestHeader(event, 'origin')
  if (site === 'same-origin') return
  if ((site ?? 'none') === 'none' && (!origin || isOwn(origin, event, appUrl))) return
  throw new LoomError('forbidden', 'This call comes from another site. Open Loom itself, or use an API key.')
}

function isOwn(origin: string, event: H3Event, appUrl: string | undefined): boolean {
  if (!URL.canParse(origin)) return false
  const { host } = new URL(origin)
  return host === getRequestHeader(event, 'host') || origin === appUrl
}

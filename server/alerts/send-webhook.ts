import { Agent } from 'undici'
import { isPrivateHost } from '../connections/private-network'
import { lookupPublic } from '../gateway/lookup-public'
import { signWebhook } from './sign-webhook'

/** A receiver has this long to answer. */
const TIMEOUT_MS = 10_000

/** How an attempt went. */
export interface Attempted {
  delivered: boolean
  /** Of the receiver; null where it gave none. */
  responseStatus: number | null
  error: string | null
}

/** Sends signed requests to addresses that tenants chose: never into a private network behind a public name, never along a redirect. */
export class WebhookSender {
  private readonly agents = { public: makeAgent(true), any: makeAgent(false) }

  /** Never throws: what goes wrong is told. The receiver's answer is not kept, only its status. */
  async send(url: URL, secret: string, id: string, body: string): Promise<Attempted> {
    // A private address that shows in the URL was let through by a platform admin; one that hides behind a public name was not.
    const agent = isPrivateHost(url.hostname) ? this.agents.any : this.agents.public
    try {
      const { statusCode, body: answer } = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'loom', ...signWebhook(secret, id, new Date(), body) },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS)
      })
      // Unread, and what is left of it is not waited for.
      answer.on('error', () => {}).destroy()
      const delivered = statusCode >= 200 && statusCode < 300
      return { delivered, responseStatus: statusCode, error: delivered ? null : `The receiver answered with status ${statusCode}.` }
    } catch (error) {
      return { delivered: false, responseStatus: null, error: describe(error) }
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.agents).map(agent => agent.destroy()))
  }
}

function makeAgent(publicOnly: boolean): Agent {
  return new Agent({ connections: 8, keepAliveTimeout: 1_000, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, connect: { timeout: TIMEOUT_MS, ...(publicOnly && { lookup: lookupPublic }) } })
}

/** Without addresses: what a name resolves to is not the tenant's to learn. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof Error && error.name === 'TimeoutError') return `The receiver did not answer within ${TIMEOUT_MS / 1000} seconds.`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'The receiver\'s name does not lead to a public address.'
  if (code === 'ECONNREFUSED') return 'The receiver refused the connection.'
  return `The connection to the receiver failed${code && ` (${code})`}.`
}

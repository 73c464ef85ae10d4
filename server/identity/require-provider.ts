import { Agent } from 'undici'
import { z } from 'zod'
import { LoomError } from '../errors'

const TIMEOUT_MS = 5_000
const DOCUMENT_BYTES_MAX = 256 * 1024

/** What signing in needs of a provider's own description (OpenID Connect Discovery 1.0, section 3). */
const Description = z.object({ issuer: z.url(), authorization_endpoint: z.url(), token_endpoint: z.url(), jwks_uri: z.url() })

/** Where a provider describes itself (section 4 there). */
export const discoveryUrl = (issuer: string) => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/**
 * Asks the provider for its description, so that a mistyped address shows when it is entered and not when people sign in.
 * @throws {LoomError} `invalid_request` when nothing there answers as an OpenID Connect provider within 5 s
 */
export async function requireProvider(issuer: string): Promise<void> {
  const agent = new Agent({ connect: { timeout: TIMEOUT_MS }, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, maxResponseSize: DOCUMENT_BYTES_MAX })
  try {
    const { statusCode, body } = await agent.request({ ...splitUrl(discoveryUrl(issuer)), method: 'GET', headers: { accept: 'application/json' }, signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (statusCode !== 200) {
      body.on('error', () => {}).destroy()
      throw refusal(issuer, `it answers with status ${statusCode}`)
    }
    if (!Description.safeParse(await body.json()).success) throw refusal(issuer, 'it does not name its issuer, endpoints and keys')
  } catch (cause) {
    throw cause instanceof LoomError ? cause : refusal(issuer, 'it does not answer, or not in JSON', cause)
  } finally {
    await agent.destroy()
  }
}

function splitUrl(url: string) {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

function refusal(issuer: string, reason: string, cause?: unknown): LoomError {
  return new LoomError('invalid_request', `There is no OpenID Connect provider at ${discoveryUrl(issuer)}: ${reason}. Nothing was saved.`, { param: 'issuer', cause })
}

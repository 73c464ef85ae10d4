import type { ProviderKind } from '../../shared/catalog'
import { LoomError } from '../errors'
import { providers } from '../gateway/providers/registry'
import type { Principal } from '../identity/principal'
import { requirePublicUrl } from './require-public-url'

interface Settings {
  kind: ProviderKind
  baseUrl: string | null
  config: Record<string, unknown>
}

/** Kinds that have no address of their own. */
const needBaseUrl: readonly ProviderKind[] = ['azure', 'openai-compatible']

/**
 * Whether a connection can be what it says, and may be made by this principal.
 * @throws {LoomError} `invalid_request` naming the field
 */
export function checkConnection(principal: Principal, { kind, baseUrl, config }: Settings): void {
  checkConfig(kind, config)
  if (baseUrl === null) {
    if (needBaseUrl.includes(kind)) throw new LoomError('invalid_request', `A connection of the kind ${kind} needs a base URL.`, { param: 'baseUrl' })
    return
  }
  const { username, password } = new URL(baseUrl)
  if (username || password) throw new LoomError('invalid_request', 'Leave user and password out of the base URL; the secret has a field of its own.', { param: 'baseUrl' })
  if (!principal.platformAdmin) requirePublicUrl(baseUrl)
}

function checkConfig(kind: ProviderKind, config: Record<string, unknown>): void {
  const parsed = providers[kind].Config.safeParse(config)
  if (parsed.success) return
  const issues = parsed.error.issues.map(issue => ({ path: ['config', ...issue.path.map(String)].join('.'), message: issue.message }))
  throw new LoomError('invalid_request', issues.map(issue => `${issue.path}: ${issue.message}`).join('; '), { param: 'config', details: { issues } })
}

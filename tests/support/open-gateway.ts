import OpenAI from 'openai'
import type { CreateKey } from '../../shared/keys'
import type { LoomServer } from './loom-server'
import type { MockUpstream } from './mock-upstream'
import { startMockUpstream } from './mock-upstream'
import type { Session } from './set-up-loom'
import { setUpLoom } from './set-up-loom'
import { startLoom } from './start-loom'

/** A model of the packaged catalogue: $0.15 and $0.60 per million tokens, $0.075 cached. */
export const model = 'gpt-4o-mini'
export const upstreamSecret = 'sk-upstream-0123456789abcdef'

type KeyInput = Partial<Pick<CreateKey, 'scopes' | 'allowedModels' | 'limits' | 'cacheTtlSeconds' | 'projectId'>> & { expiresAt?: string }

/** A built Loom, set up, with a mock provider behind a connection of the kind `openai`. */
export interface GatewayUnderTest {
  loom: LoomServer
  upstream: MockUpstream
  admin: Session
  orgId: string
  /** Calls the browser API as the admin; the parsed answer. Fails on an error status. */
  api: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>
  createKey: (input?: KeyInput) => Promise<{ id: string, key: string }>
  /** The official SDK on a key, without retries of its own. */
  client: (key: string) => OpenAI
  /** A bare call, for what the SDK would not send. */
  post: (key: string, body: BodyInit, headers?: Record<string, string>) => Promise<Response>
  remove: () => Promise<void>
}

/** @param env settings of the server beside those of every test */
export async function openGateway(env: Record<string, string> = {}): Promise<GatewayUnderTest> {
  const upstream = await startMockUpstream()
  const loom = await startLoom({ env: { UPSTREAM_RETRIES: '1', ...env } })
  const admin = await setUpLoom(loom)
  const api: GatewayUnderTest['api'] = async (method, path, body) => {
    const response = await fetch(`${loom.url}${path}`, { method, headers: { 'cookie': admin.cookie, 'origin': loom.url, 'content-type': 'application/json' }, body: body === undefined ? null : JSON.stringify(body) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }
  await api('POST', '/api/connections', { kind: 'openai', name: 'mock', baseUrl: upstream.baseUrl, secret: upstreamSecret })
  const session = await api('GET', '/api/session')
  return {
    loom,
    upstream,
    admin,
    orgId: idOf(session.org),
    api,
    createKey: async (input = {}) => {
      const { key, id, ...rest } = await api('POST', '/api/keys', { name: 'test', scopes: ['inference', 'traces', 'bodies', 'billing'], ...input })
      return { key: String(key), id: String(id ?? idOf(rest.apiKey)) }
    },
    client: key => new OpenAI({ apiKey: key, baseURL: `${loom.url}/v1`, maxRetries: 0 }),
    post: (key, body, headers = {}) => fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body }),
    remove: async () => {
      await loom.remove()
      await upstream.stop()
    }
  }
}

function idOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'id' in value) return String(value.id)
  throw new Error(`${JSON.stringify(value)} has no id`)
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'

const question = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
const page = 'https://app.example.com'

/** As a browser asks before it sends what a page of another site wants sent. */
function ask(url: string, origin: string): Promise<Response> {
  return fetch(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type,x-stainless-lang' } })
}

describe('pages of the origins that are set', () => {
  let gateway: GatewayUnderTest
  let key: string

  beforeAll(async () => {
    gateway = await openGateway({ CORS_ALLOWED_ORIGINS: `${page.toUpperCase()}, app://obsidian.md` })
    key = (await gateway.createKey()).key
  })
  afterAll(() => gateway.remove())

  test('may call models, and read the answer, its headers and its errors', async () => {
    for (const origin of [page, 'app://obsidian.md']) {
      for (const path of ['/v1/chat/completions', '/v1/models?limit=1', '/openai/deployments/x/chat/completions?api-version=2024-10-21']) {
        const asked = await ask(gateway.loom.url + path, origin)
        expect(asked.status, path).toBe(204)
        expect(asked.headers.get('access-control-allow-origin')).toBe(origin)
        expect(asked.headers.get('access-control-allow-headers')).toBe('authorization,content-type,x-stainless-lang')
        expect(asked.headers.get('access-control-allow-methods')).toBe('*')
        expect(asked.headers.get('vary')).toMatch(/origin/)
        expect(asked.headers.has('access-control-allow-credentials')).toBe(false)
      }
    }
    const answers = {
      200: await gateway.post(key, question, { origin: page }),
      401: await gateway.post('loom_sk_unknown', question, { origin: page }),
      404: await fetch(`${gateway.loom.url}/v1/nothing`, { headers: { origin: page } })
    }
    const stream = await gateway.post(key, JSON.stringify({ ...JSON.parse(question), stream: true }), { origin: page })
    const list = await fetch(`${gateway.loom.url}/v1/models`, { headers: { origin: page, authorization: `Bearer ${key}` } })
    for (const [status, answer] of [...Object.entries(answers), ['200', stream] as const, ['200', list] as const]) {
      expect(answer.status).toBe(Number(status))
      expect(answer.headers.get('access-control-allow-origin')).toBe(page)
      expect(answer.headers.get('access-control-expose-headers')).toBe('*')
      await answer.text()
    }
  })

  test('no other page may, and nobody beside /v1', async () => {
    for (const [path, origin] of [['/v1/chat/completions', 'https://example.com'], ['/v1/chat/completions', `${page}.evil.example`], ['/v1/chat/completions', 'null'], ['/api/session', page], ['/v1x', page], ['/', page]] as const) {
      const answers = [await ask(gateway.loom.url + path, origin), await fetch(gateway.loom.url + path, { headers: { origin, cookie: gateway.admin.cookie } })]
      for (const answer of answers) {
        expect(answer.headers.has('access-control-allow-origin'), `${path} ${origin}`).toBe(false)
        await answer.text()
      }
    }
  })
})

test('with * every page may, and with nothing set none', async () => {
  for (const [setting, told] of [['*', '*'], ['', null]] as const) {
    const gateway = await openGateway({ CORS_ALLOWED_ORIGINS: setting })
    try {
      const answer = await ask(`${gateway.loom.url}/v1/chat/completions`, page)
      expect(answer.headers.get('access-control-allow-origin')).toBe(told)
      const api = await ask(`${gateway.loom.url}/api/keys`, page)
      expect(api.headers.has('access-control-allow-origin')).toBe(false)
    } finally {
      await gateway.remove()
    }
  }
})

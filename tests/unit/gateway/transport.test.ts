import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UpstreamPools } from '../../../server/gateway/transport'
import { until } from '../../support/until'

interface Provider { server: Server, url: URL, connections: () => number, answering: ServerResponse[] }

let providers: Provider[]
let pools: UpstreamPools

beforeEach(async () => {
  providers = await Promise.all(Array.from({ length: 4 }, startProvider))
  pools = new UpstreamPools({ UPSTREAM_CONNECT_TIMEOUT_MS: 5_000, UPSTREAM_FIRST_BYTE_TIMEOUT_MS: 5_000, UPSTREAM_IDLE_TIMEOUT_MS: 5_000 }, 2)
})
afterEach(async () => {
  await pools.close()
  for (const { server } of providers) server.close()
})

/** Answers `begun …`, and the rest of it when it is told to. */
async function startProvider(): Promise<Provider> {
  const answering: ServerResponse[] = []
  let connections = 0
  const server = createServer((_, response) => {
    response.write('begun ')
    answering.push(response)
  })
  server.on('connection', (socket) => {
    connections++
    socket.on('close', () => connections--)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  return { server, url: new URL(`http://127.0.0.1:${address.port}/v1`), connections: () => connections, answering }
}

const begin = ({ url }: Provider) => pools.send({ url, headers: {}, body: '{}' }, new AbortController().signal)

async function ask(provider: Provider): Promise<string> {
  const { body } = await begin(provider)
  provider.answering.pop()?.end('done')
  return text(body)
}

test('the pool that was not asked for longest makes room for another: its connections close, and it is opened anew when it is asked', async () => {
  for (const provider of providers) expect(await ask(provider)).toBe('begun done')
  await until(() => providers.map(({ connections }) => connections()).join() === '0,0,1,1', { what: () => 'two pools to be closed' })
  expect(pools.stats()).toMatchObject({ connected: 2 })
  const [first] = providers
  if (first) expect(await ask(first)).toBe('begun done')
})

test('a pool that makes room lets its answers under way end first', async () => {
  const [slow, ...others] = providers
  if (!slow) throw new Error('There are four')
  const { body } = await begin(slow)
  for (const provider of others) await ask(provider)
  expect(slow.connections()).toBe(1)
  slow.answering.pop()?.end('at last')
  expect(await text(body)).toBe('begun at last')
  await until(() => slow.connections() === 0, { what: () => 'its pool to be closed' })
})

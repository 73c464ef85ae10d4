import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Redis } from 'ioredis'
import pino from 'pino'
import { afterEach, expect, test } from 'vitest'
import { connectRedis, waitForRedis } from '../../../server/operations/connect-redis'
import { createMetrics } from '../../../server/operations/metrics'
import { hasRedis, startRedis } from '../../support/redis'
import { until } from '../../support/until'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

async function openRedis() {
  const server = await startRedis()
  cleanUp.push(server.stop)
  return server
}

/** An address that leads to the server of `url` until it is told of another; connections that are open stay where they are. */
async function openAddress(url: string) {
  let port = Number(new URL(url).port)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => other.destroy()).pipe(other)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address() as AddressInfo
  return {
    url: `redis://127.0.0.1:${address.port}`,
    lead: (to: string) => {
      port = Number(new URL(to).port)
    }
  }
}

test.runIf(hasRedis).each(['a command', 'a script'])('a server that became a replica is left for the one that its address leads to now: %s', async (what) => {
  const [first, second] = [await openRedis(), await openRedis()]
  const address = await openAddress(first.url)
  const redis = connectRedis({ REDIS_URL: address.url }, pino({ level: 'silent' }), createMetrics())
  if (!redis) throw new Error('unreachable')
  cleanUp.push(() => redis.disconnect())
  await waitForRedis(redis)
  const write = () => what === 'a command' ? redis.set('name', 'value') : redis.eval(`return redis.call('SET', KEYS[1], ARGV[1])`, 1, 'name', 'value')
  await write()
  const [operator, successor] = [new Redis(first.url), new Redis(second.url)]
  cleanUp.push(() => operator.disconnect(), () => successor.disconnect())
  await operator.replicaof('127.0.0.1', new URL(second.url).port)
  address.lead(second.url)
  await expect(write()).rejects.toThrow('READONLY')
  await until(() => write().then(() => true, () => false), { what: () => 'writes to succeed again' })
  expect(await successor.get('name')).toBe('value')
})

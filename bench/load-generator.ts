import { Pool } from 'undici'
import type { LoadOrder, LoadResult } from './load'

/** A process of its own, so that making load costs the measured process nothing. Works through one order at a time. */
process.on('message', (order: LoadOrder) => {
  generateLoad(order).then(
    result => process.send?.(result),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    }
  )
})

const pools = new Map<string, Pool>()

function poolOf(origin: string): Pool {
  const pool = pools.get(origin) ?? new Pool(origin, { connections: 512, keepAliveTimeout: 60_000, headersTimeout: 30_000, bodyTimeout: 30_000 })
  pools.set(origin, pool)
  return pool
}

async function generateLoad(order: LoadOrder): Promise<LoadResult> {
  const result: LoadResult = { calls: 0, errors: 0, firstError: null, seconds: 0, latenciesMs: [], firstBytesMs: [] }
  const startedAt = performance.now()
  if (order.arrivals.kind === 'closed') await closedLoop(order, order.arrivals.concurrency, startedAt, result)
  else await openLoop(order, order.arrivals.perSecond, startedAt, result)
  result.seconds = (performance.now() - startedAt) / 1000
  return result
}

/** So many callers, each of whom calls again as soon as it has its answer. */
async function closedLoop(order: LoadOrder, concurrency: number, startedAt: number, result: LoadResult): Promise<void> {
  const caller = async () => {
    do await call(order, result)
    while (performance.now() - startedAt < order.durationMs)
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
}

/** Callers who know nothing of each other: they arrive at random times, however slow the answers are. */
async function openLoop(order: LoadOrder, perSecond: number, startedAt: number, result: LoadResult): Promise<void> {
  const random = seededRandom(order.seed)
  const calls: Promise<void>[] = []
  let nextAt = 0
  while (nextAt < order.durationMs) {
    const waitMs = startedAt + nextAt - performance.now()
    if (waitMs > 0.5) await new Promise(resolve => setTimeout(resolve, waitMs))
    calls.push(call(order, result))
    nextAt += -Math.log(1 - random()) * 1000 / perSecond
  }
  await Promise.all(calls)
}

function call({ origin, path, headers, body }: LoadOrder, result: LoadResult): Promise<void> {
  return new Promise((resolve) => {
    const sentAt = performance.now()
    let status = 0
    let firstByteMs = 0
    const fail = (reason: string) => {
      result.errors++
      result.firstError ??= reason
      resolve()
    }
    poolOf(origin).dispatch({ method: 'POST', path, headers, body }, {
      onRequestStart() {},
      onResponseStart(_, statusCode) {
        status = statusCode
      },
      onResponseData() {
        firstByteMs ||= performance.now() - sentAt
      },
      onResponseEnd() {
        if (status !== 200) return fail(`status ${status}`)
        result.calls++
        result.latenciesMs.push(performance.now() - sentAt)
        result.firstBytesMs.push(firstByteMs)
        resolve()
      },
      onResponseError(_, error) {
        fail(error.message)
      }
    })
  })
}

/** mulberry32: the same arrivals for every target. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = state + 0x6D2B79F5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 4_294_967_296
  }
}

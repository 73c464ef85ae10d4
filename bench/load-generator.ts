import { Pool } from 'undici'
import type { Call, LoadOrder, LoadResult } from './load'

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
  const callOne = callerOf(order, result)
  const startedAt = performance.now()
  if (order.arrivals.kind === 'closed') await closedLoop(order, order.arrivals.concurrency, startedAt, callOne)
  else await openLoop(order, order.arrivals.perSecond, startedAt, callOne)
  result.seconds = (performance.now() - startedAt) / 1000
  return result
}

/** So many callers, each of whom calls again as soon as it has its answer. */
async function closedLoop({ durationMs }: LoadOrder, concurrency: number, startedAt: number, callOne: () => Promise<void>): Promise<void> {
  const caller = async () => {
    do await callOne()
    while (performance.now() - startedAt < durationMs)
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
}

/** Callers who know nothing of each other: they arrive at random times, however slow the answers are. */
async function openLoop({ durationMs, seed }: LoadOrder, perSecond: number, startedAt: number, callOne: () => Promise<void>): Promise<void> {
  const random = seededRandom(seed)
  const calls: Promise<void>[] = []
  let nextAt = 0
  while (nextAt < durationMs) {
    const waitMs = startedAt + nextAt - performance.now()
    if (waitMs > 0.5) await new Promise(resolve => setTimeout(resolve, waitMs))
    calls.push(callOne())
    nextAt += -Math.log(1 - random()) * 1000 / perSecond
  }
  await Promise.all(calls)
}

/** @returns makes one of the order's calls, chosen at random, and notes in `result` what came of it */
function callerOf({ origin, path, calls, seed }: LoadOrder, result: LoadResult): () => Promise<void> {
  const random = seededRandom(seed)
  return () => {
    const call = calls[Math.floor(random() * calls.length)]
    if (!call) throw new Error('There is nothing to call')
    return send(origin, path, call, result)
  }
}

function send(origin: string, path: string, { headers, body }: Call, result: LoadResult): Promise<void> {
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

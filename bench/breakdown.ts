import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { join } from 'node:path'
import { migrationFilesIn } from '../db/read-migrations'
import type { CallContext } from '../server/gateway/call-context'
import { chatCompletions } from '../server/gateway/operations/chat-completions'
import { runCall } from '../server/gateway/run-call'
import { start, stop } from '../server/lifecycle'
import type { Runtime } from '../server/runtime'
import { sealBody } from '../server/traces/seal-body'
import { chatCall } from './measure'
import { formatTable } from './report'
import { quiet } from './scenarios'
import type { Bench } from './set-up'
import { median, percentile } from './statistics'

type Timings = Map<string, number[]>

/**
 * Where the time of a 1 KB call goes, step by step: the road itself, in this process, with its clock stopped at each step. Waits (hold, upstream, write) are
 * told as such: much of them is the disk's and the provider's. One call at a time, then as many as keep batches full.
 */
export async function breakDown({ loomServer, loom, apiKey }: Bench, { isQuick }: { isQuick: boolean }): Promise<string> {
  const environment = { ...loomServer.env, PORT: '0', LOG_LEVEL: 'silent' }
  const runtime = await start(environment, migrationFilesIn(join(import.meta.dirname, '../drizzle')))
  const timings: Timings = new Map()
  instrument(runtime, timings)
  const raw = Buffer.from(chatCall(loom, quiet).body)
  const tables: string[] = []
  for (const concurrency of [1, 32]) {
    const calls = (isQuick ? 400 : 4_000) * (concurrency === 1 ? 1 : 4)
    await callMany(runtime, apiKey, raw, { calls: calls / 4, concurrency }, timings)
    timings.clear()
    await callMany(runtime, apiKey, raw, { calls, concurrency }, timings)
    const rows = [...timings].map(([step, took]) => [step, (median(took) * 1_000).toFixed(0), (percentile(took, 0.99) * 1_000).toFixed(0)])
    tables.push(formatTable([`${calls} calls, ${concurrency} at once`, 'p50 µs', 'p99 µs'], rows))
  }
  await stop()
  return tables.join('\n\n')
}

async function callMany({ gateway, keyring }: Runtime, apiKey: string, raw: Buffer, { calls, concurrency }: { calls: number, concurrency: number }, timings: Timings): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}` }
  let left = calls
  const work = async () => {
    while (left-- > 0) {
      const receivedAt = performance.now()
      const caller = await gateway.authenticator.authenticate(headers, () => null)
      note(timings, 'auth', receivedAt)
      const parsedFrom = performance.now()
      const request = chatCompletions.parse(raw, {})
      note(timings, 'parse the request', parsedFrom)
      const context: CallContext = {
        requestId: uuidv7(), endpoint: 'chat.completions', operation: chatCompletions, caller, request, billing: { amount: null, refId: null }, abort: new AbortController(), receivedAt, ip: null
      }
      const { error, answer } = await runCall(gateway, context, { begin: () => {}, write: () => true, drained: () => Promise.resolve() })
      if (error || !answer) throw error ?? new Error('A call had no answer')
      note(timings, 'all of it', receivedAt)
      const sealedFrom = performance.now()
      for (const [side, body] of [['request', raw], ['response', answer.body]] as const) sealBody(keyring.forOrg(caller.orgId, caller.encryptionSalt), caller.orgId, context.requestId, side, body)
      note(timings, 'compress and encrypt both bodies', sealedFrom)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  // Leases are renewed in the background.
  await sleep(10)
}

/** Stops the clock around each step that is a part of the gateway's. */
function instrument({ gateway }: Runtime, timings: Timings): void {
  const { policy, budget, capturer, pools } = gateway
  policy.admit = timed(timings, 'policy', policy.admit.bind(policy))
  budget.hold = timed(timings, 'wait for the hold', budget.hold.bind(budget))
  capturer.capture = timed(timings, 'wait for the write (trace, usage record, ledger)', capturer.capture.bind(capturer))
  Object.assign(pools, { send: timed(timings, 'wait for the upstream\'s headers', pools.send) })
}

function timed<Parameters extends unknown[], Result>(timings: Timings, step: string, act: (...parameters: Parameters) => Promise<Result>): (...parameters: Parameters) => Promise<Result> {
  return async (...parameters) => {
    const startedAt = performance.now()
    try {
      return await act(...parameters)
    } finally {
      note(timings, step, startedAt)
    }
  }
}

function note(timings: Timings, step: string, startedAt: number): void {
  const took = timings.get(step) ?? []
  took.push(performance.now() - startedAt)
  timings.set(step, took)
}

import type { Arrivals, Call, LoadGenerator, LoadOrder } from './load'
import { cpuSeconds, residentMb } from './processes'
import type { Scenario } from './scenarios'
import type { Bench, Target } from './set-up'
import { checkpoint } from './set-up'

/** What one target did in one scenario, over all rounds. */
export interface Measurement {
  calls: number
  errors: number
  firstError: string | null
  seconds: number
  latenciesMs: number[]
  firstBytesMs: number[]
  /** Of the proxy; 0 for direct calls. */
  cpuSeconds: number
  /** Of PostgreSQL; 0 where there is none. */
  databaseCpuSeconds: number
  /** The proxy's memory in RAM, the most at the end of a round; 0 for direct calls. */
  residentMb: number
}

/** A target by whatever name. */
export type Proxied = Omit<Target, 'name'>

export type Measurements = Record<Target['name'], Measurement>

/** Runs a scenario on every target in turn, several rounds, so that whatever disturbs the machine disturbs all of them. */
export async function measure(bench: Bench, load: LoadGenerator, scenario: Scenario, arrivals: Arrivals, { rounds, seconds }: { rounds: number, seconds: number }): Promise<Measurements> {
  const measurements: Measurements = { direct: nothing(), floor: nothing(), loom: nothing() }
  for (let round = 0; round < rounds; round++) {
    await checkpoint(bench.databaseUrl)
    for (const target of [bench.direct, bench.floor, bench.loom]) {
      await runRound(load, target, chatOrder(target, scenario), arrivals, { seed: round + 1, seconds }, measurements[target.name])
    }
  }
  return measurements
}

/** One round of calls of one target, added to what it did before. */
export async function runRound(load: LoadGenerator, target: Pick<Proxied, 'pids'>, what: Pick<LoadOrder, 'origin' | 'path' | 'calls'>, arrivals: Arrivals, { seed, seconds }: { seed: number, seconds: number }, into: Measurement): Promise<void> {
  const order = { ...what, arrivals, durationMs: seconds * 1000, seed }
  const before = cpuOf(target)
  const result = await load.run(order)
  const after = cpuOf(target)
  into.calls += result.calls
  into.errors += result.errors
  into.firstError ??= result.firstError
  into.seconds += result.seconds
  // Not spread into push(): a fast machine makes more calls than a function may have arguments.
  into.latenciesMs = into.latenciesMs.concat(result.latenciesMs)
  into.firstBytesMs = into.firstBytesMs.concat(result.firstBytesMs)
  into.cpuSeconds += after.proxy - before.proxy
  into.databaseCpuSeconds += after.database - before.database
  const [proxy] = target.pids()
  if (proxy) into.residentMb = Math.max(into.residentMb, residentMb(proxy))
}

export function chatOrder({ origin, ...target }: Pick<Proxied, 'origin' | 'headers' | 'modelPrefix'>, scenario: Scenario) {
  return { origin, path: CHAT_PATH, calls: [chatCall(target, scenario)] }
}

export const CHAT_PATH = '/v1/chat/completions'

/** The same call for every target, but for the model's name and the key. A stream asks for its usage, as Loom does anyway: for the mock that is one event more. */
export function chatCall({ headers, modelPrefix }: Pick<Proxied, 'headers' | 'modelPrefix'>, { model, stream, promptBytes }: Scenario): Call {
  const messages = [{ role: 'user', content: 'lorem ipsum '.repeat(Math.ceil(promptBytes / 12)).slice(0, promptBytes) }]
  return { headers, body: JSON.stringify({ model: modelPrefix + model, messages, stream, max_tokens: 500, ...(stream && { stream_options: { include_usage: true } }) }) }
}

function cpuOf(target: Pick<Proxied, 'pids'>): { proxy: number, database: number } {
  const [proxy, ...database] = target.pids()
  return { proxy: proxy ? cpuSeconds(proxy) : 0, database: database.reduce((sum, pid) => sum + cpuSeconds(pid), 0) }
}

export function nothing(): Measurement {
  return { calls: 0, errors: 0, firstError: null, seconds: 0, latenciesMs: [], firstBytesMs: [], cpuSeconds: 0, databaseCpuSeconds: 0, residentMb: 0 }
}

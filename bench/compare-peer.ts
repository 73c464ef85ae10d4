import type { LoadGenerator } from './load'
import { chatOrder, nothing, runRound } from './measure'
import type { Measurement, Proxied } from './measure'
import { startPeer } from './peer'
import { formatTable } from './report'
import type { Scenario } from './scenarios'
import { quiet, realisticStream, saturated } from './scenarios'
import type { Bench } from './set-up'
import { median, percentile } from './statistics'

/**
 * Loom with everything on beside the peer with everything off, on the same mock, in turn. Holds the run against what is promised: more
 * calls a CPU second, a better p99, and a tenth of the time that the peer adds to the first token.
 */
export async function comparePeer(bench: Bench, load: LoadGenerator, { isQuick }: { isQuick: boolean }): Promise<string> {
  const peer = await startPeer(bench.direct.origin)
  try {
    const targets: Record<string, Proxied> = { direct: bench.direct, floor: bench.floor, loom: bench.loom, [peer.title]: peer }
    // Compiles what is hot, and opens the connections.
    for (const scenario of [saturated, realisticStream]) await runAll(load, targets, scenario, { rounds: 1, seconds: isQuick ? 2 : 10 })
    const texts: string[] = []
    const found = new Map<Scenario, Record<string, Measurement>>()
    for (const scenario of [saturated, quiet, realisticStream]) {
      const results = await runAll(load, targets, scenario, { rounds: isQuick ? 1 : 3, seconds: isQuick ? scenario.quickSeconds : scenario.seconds })
      found.set(scenario, results)
      texts.push(describe(scenario, results))
    }
    return [...texts, promises(found, peer.title)].join('\n')
  } finally {
    peer.stop()
  }
}

async function runAll(load: LoadGenerator, targets: Record<string, Proxied>, scenario: Scenario, { rounds, seconds }: { rounds: number, seconds: number }): Promise<Record<string, Measurement>> {
  const results = Object.fromEntries(Object.keys(targets).map(name => [name, nothing()]))
  const { arrivals } = scenario
  const given = arrivals.kind === 'closed' ? arrivals : { kind: 'open' as const, perSecond: Number(arrivals.perSecond) }
  for (let round = 1; round <= rounds; round++) {
    for (const [name, target] of Object.entries(targets)) await runRound(load, target, chatOrder(target, scenario), given, { seed: round, seconds }, results[name] ?? nothing())
  }
  return results
}

function describe(scenario: Scenario, results: Record<string, Measurement>): string {
  const direct = results.direct ?? nothing()
  const rows = Object.entries(results).map(([name, one]) => [
    name, String(one.calls), (one.calls / one.seconds).toFixed(0), ...[0.5, 0.99].map(share => percentile(one.latenciesMs, share).toFixed(2)),
    (median(one.firstBytesMs) - median(direct.firstBytesMs)).toFixed(2), perCpuSecond(one, one.cpuSeconds), perCpuSecond(one, one.cpuSeconds + one.databaseCpuSeconds), String(one.errors)
  ])
  const errors = Object.entries(results).filter(([, one]) => one.errors > 0).map(([name, one]) => `\n${name}: ${one.errors} ERRORS, the first: ${one.firstError}`)
  return `${formatTable([scenario.title, 'calls', 'req/s', 'p50 ms', 'p99 ms', '+ttft p50', 'req per CPU s', 'with database', 'errors'], rows)}${errors.join('')}\n`
}

function perCpuSecond({ calls, cpuSeconds }: Measurement, of: number): string {
  return cpuSeconds === 0 ? '-' : (calls / of).toFixed(0)
}

function promises(found: Map<Scenario, Record<string, Measurement>>, peer: string): string {
  const of = (scenario: Scenario, name: string) => found.get(scenario)?.[name] ?? nothing()
  const ofProxy = (name: string) => of(saturated, name).calls / of(saturated, name).cpuSeconds
  const p99 = (name: string) => percentile(of(saturated, name).latenciesMs, 0.99)
  const addedTtft = (name: string) => median(of(realisticStream, name).firstBytesMs) - median(of(realisticStream, 'direct').firstBytesMs)
  const rows: [string, number, string, boolean][] = [
    ['calls a CPU second, saturated (× portkey)', ofProxy('loom') / ofProxy(peer), '> 1', ofProxy('loom') > ofProxy(peer)],
    ['p99, saturated (× portkey)', p99('loom') / p99(peer), '< 1', p99('loom') < p99(peer)],
    ['time added to the first token (× portkey)', addedTtft('loom') / addedTtft(peer), '≤ 0.1', addedTtft('loom') <= addedTtft(peer) / 10]
  ]
  return formatTable(['promise', 'target', 'reached', ''], rows.map(([promise, reached, target, isKept]) => [promise, target, reached.toFixed(2), isKept ? 'ok' : 'MISS']))
}

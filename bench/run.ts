import { parseArgs } from 'node:util'
import { describeMachine } from './describe-machine'
import type { Arrivals } from './load'
import { startLoadGenerator } from './load'
import { measureManyKeys } from './many-keys'
import { measure } from './measure'
import type { Measurements } from './measure'
import { measureCachedAuth } from './measure-auth'
import { measurePolicy } from './measure-policy'
import { formatManyKeys, formatMemory, formatScenario, formatTargets } from './report'
import type { Scenario } from './scenarios'
import { halfSaturated, quiet, realisticStream, saturated, scenarios } from './scenarios'
import type { Bench } from './set-up'
import { startBench } from './set-up'
import { measureSlowStreams } from './slow-streams'

/** `npm run bench`: everything on this machine, over the loopback. `--quick`: one short round of each, under two minutes. */
const { values: { quick } } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })

const bench = await startBench()
const load = startLoadGenerator()
try {
  console.log(await describeMachine(bench.databaseUrl))
  // First, while the heaps are still small: once they are warm they have room for it. So Loom's figure has what its code takes on first use in it.
  const floorMemory = await measureSlowStreams(load, bench.floor)
  const memory = await measureSlowStreams(load, bench.loom)
  console.log(formatMemory(floorMemory, memory))
  await warmUp(bench)
  const results = new Map<Scenario, Measurements>()
  for (const scenario of scenarios) {
    const measurements = await measure(bench, load, scenario, arrivalsOf(scenario, results.get(saturated)), { rounds: quick ? 1 : 3, seconds: quick ? scenario.quickSeconds : scenario.seconds })
    results.set(scenario, measurements)
    console.log(formatScenario(scenario, measurements))
  }
  const of = (scenario: Scenario) => results.get(scenario) ?? fail(`${scenario.title} did not run`)
  const cachedAuthMs = await measureCachedAuth(bench.databaseUrl, bench.apiKey)
  const policy = await measurePolicy()
  const manyKeys = await measureManyKeys(bench, load, quick ? { rounds: 1, seconds: 2, warmUpSeconds: 2 } : { rounds: 3, seconds: 3, warmUpSeconds: 15 })
  console.log(formatManyKeys(manyKeys))
  const { text, missed } = formatTargets({ saturated: of(saturated), halfSaturated: of(halfSaturated), realisticStream: of(realisticStream), quiet: of(quiet), memory, cachedAuthMs, policy, manyKeys })
  console.log(`${text}\n\n${missed === 0 ? 'Every target is reached.' : `${missed} targets are MISSED.`}`)
} finally {
  load.stop()
  await bench.stop()
}

/** Compiles what is hot and opens the connections, so that no round pays for it. For half a minute the compiler has a tenth of Loom's CPU time. */
async function warmUp(bench: Bench): Promise<void> {
  for (const [scenario, seconds] of [[saturated, 30], [realisticStream, 10]] as const) {
    await measure(bench, load, scenario, { kind: 'closed', concurrency: 32 }, { rounds: 1, seconds: quick ? 2 : seconds })
  }
}

function arrivalsOf({ arrivals }: Scenario, saturation: Measurements | undefined): Arrivals {
  if (arrivals.kind === 'closed') return arrivals
  if (arrivals.perSecond !== 'half-of-saturation') return { kind: 'open', perSecond: arrivals.perSecond }
  const { calls, seconds } = saturation?.loom ?? fail('saturation was not measured yet')
  return { kind: 'open', perSecond: calls / seconds / 2 }
}

function fail(message: string): never {
  throw new Error(message)
}

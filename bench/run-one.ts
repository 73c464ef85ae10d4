import { parseArgs } from 'node:util'
import { breakDown } from './breakdown'
import { comparePeer } from './compare-peer'
import { describeMachine } from './describe-machine'
import { startLoadGenerator } from './load'
import { race } from './race'
import { startBench } from './set-up'
import { soak } from './soak'

/** `npm run bench:one -- <name>`: a measurement by itself. `--quick`: a short one, for a first look. */
const measurements = { peer: comparePeer, soak, race, breakdown: (bench: Parameters<typeof breakDown>[0], _load: unknown, options: { isQuick: boolean }) => breakDown(bench, options) }

const { values: { quick }, positionals: [name = ''] } = parseArgs({ options: { quick: { type: 'boolean', default: false } }, allowPositionals: true })
const [, measure] = Object.entries(measurements).find(([known]) => known === name) ?? []
if (!measure) throw new Error(`Say which: ${Object.keys(measurements).join(', ')}`)

const bench = await startBench()
const load = startLoadGenerator()
try {
  console.log(await describeMachine(bench.databaseUrl))
  console.log(await measure(bench, load, { isQuick: quick }))
} finally {
  load.stop()
  await bench.stop()
}

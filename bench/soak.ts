import type { LoadGenerator } from './load'
import { chatOrder } from './measure'
import { residentMb } from './processes'
import { formatTable } from './report'
import { halfSaturated, saturated } from './scenarios'
import type { Bench } from './set-up'
import { median, percentile } from './statistics'

/** How much of the end of the soak its memory may exceed that of its beginning. */
const MOST_GROWTH = 0.1
const PARTS = 10

/**
 * Ten minutes at half of what saturates Loom (quick: one), its memory looked at every second. The beginning is the second tenth of the time, when
 * the heaps have found their size; the end is the last.
 */
export async function soak(bench: Bench, load: LoadGenerator, { isQuick }: { isQuick: boolean }): Promise<string> {
  const [pid] = bench.loom.pids()
  if (!pid) throw new Error('Loom does not run')
  const reached = await load.run({ ...chatOrder(bench.loom, saturated), arrivals: { kind: 'closed', concurrency: 32 }, durationMs: isQuick ? 4_000 : 20_000, seed: 1 })
  const perSecond = reached.calls / reached.seconds / 2
  const rows: string[][] = []
  const residentMbs: number[] = []
  for (let part = 1; part <= PARTS; part++) {
    const samples: number[] = []
    const sampling = setInterval(() => samples.push(residentMb(pid)), 1_000)
    const { calls, errors, latenciesMs } = await load.run({ ...chatOrder(bench.loom, halfSaturated), arrivals: { kind: 'open', perSecond }, durationMs: isQuick ? 6_000 : 60_000, seed: part })
    clearInterval(sampling)
    residentMbs.push(median(samples))
    rows.push([String(part), String(calls), String(errors), percentile(latenciesMs, 0.5).toFixed(2), percentile(latenciesMs, 0.99).toFixed(2), median(samples).toFixed(0), Math.max(...samples).toFixed(0)])
  }
  const [begin = 0, end = 0] = [residentMbs[1], residentMbs.at(-1)]
  const growth = end / begin - 1
  const table = formatTable([`tenth, at ${perSecond.toFixed(0)} calls/s`, 'calls', 'errors', 'p50 ms', 'p99 ms', 'RSS MB', 'peak'], rows)
  return `${table}\n\nmemory from the second tenth to the last: ${(growth * 100).toFixed(1)} % (at most ${MOST_GROWTH * 100} %) ${growth <= MOST_GROWTH ? 'ok' : 'MISS'}`
}

import type { FewAndMany } from './many-keys'
import type { Measurement, Measurements } from './measure'
import type { Scenario } from './scenarios'
import type { MemoryUse } from './slow-streams'
import { SLOW_STREAMS } from './slow-streams'
import { median, percentile } from './statistics'

const number = (value: number, digits = 2) => Number.isFinite(value) ? value.toFixed(digits) : '-'

/** Columns wide enough for what is in them, numbers to the right. */
export function formatTable(header: string[], rows: string[][]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)))
  const line = (cells: string[]) => cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)).join('  ')
  return [line(header), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

export function formatScenario(scenario: Scenario, measurements: Measurements): string {
  const { direct } = measurements
  const header = [scenario.title, 'calls', 'req/s', 'p50 ms', 'p95 ms', 'p99 ms', '+p50', '+p99', 'ttft p50', '+ttft', 'CPU s/1000', 'database', 'RSS MB']
  const row = (name: string, one: Measurement) => [
    name,
    String(one.calls),
    number(one.calls / one.seconds, 0),
    ...[0.5, 0.95, 0.99].map(share => number(percentile(one.latenciesMs, share))),
    number(median(one.latenciesMs) - median(direct.latenciesMs)),
    number(percentile(one.latenciesMs, 0.99) - percentile(direct.latenciesMs, 0.99)),
    number(median(one.firstBytesMs)),
    number(median(one.firstBytesMs) - median(direct.firstBytesMs)),
    ...one === direct ? ['-', '-', '-'] : [number(cpuPerThousand(one)), number(one.databaseCpuSeconds / one.calls * 1000), number(one.residentMb, 0)]
  ]
  const rows = Object.entries(measurements).map(([name, one]) => row(name, one))
  const errors = Object.entries(measurements).filter(([, one]) => one.errors > 0).map(([name, one]) => `\n${name}: ${one.errors} ERRORS, the first: ${one.firstError}`)
  return `${formatTable(header, rows)}${errors.join('')}\n`
}

export function formatMemory(floor: MemoryUse, loom: MemoryUse): string {
  const row = (name: string, use: MemoryUse) => [name, number(use.idleMb, 0), number(use.peakMb, 0), number(use.peakMb - use.idleMb, 0), number(use.firstByteMs), number(use.durationMs, 0), String(use.errors)]
  return `${formatTable([`${SLOW_STREAMS} slow streams`, 'RSS before MB', 'peak MB', 'added MB', 'ttft p50 ms', 'p50 ms', 'errors'], [row('floor', floor), row('loom', loom)])}\n`
}

export function formatManyKeys({ few, many }: FewAndMany): string {
  const row = (name: string, one: Measurement) => [name, String(one.calls), number(one.calls / one.seconds, 0), ...[0.5, 0.99].map(share => number(percentile(one.latenciesMs, share))), number(cpuPerThousand(one)), number(one.databaseCpuSeconds / one.calls * 1000), String(one.errors)]
  return `${formatTable(['keys and models, concurrency 32', 'calls', 'req/s', 'p50 ms', 'p99 ms', 'CPU s/1000', 'database', 'errors'], [row('1 and 1', few), row('5,000 and 200', many)])}\n`
}

export interface Results {
  saturated: Measurements
  halfSaturated: Measurements
  realisticStream: Measurements
  quiet: Measurements
  memory: MemoryUse
  cachedAuthMs: number
  policy: { fewMs: number, manyMs: number }
  manyKeys: FewAndMany
}

/** What the project promises, and whether this run kept it. */
export function formatTargets(results: Results): { text: string, missed: number } {
  const added = (of: Measurements, share: number, samples: 'latenciesMs' | 'firstBytesMs' = 'latenciesMs') => percentile(of.loom[samples], share) - percentile(of.direct[samples], share)
  const rate = (one: Measurement) => one.calls / one.seconds
  const targets: [promise: string, reached: number, atMost: number | undefined, atLeast: number | undefined][] = [
    ['added time to first token, p50 (ms)', added(results.realisticStream, 0.5, 'firstBytesMs'), 2, undefined],
    ['added by a 1 KB call at half of saturation, p50 (ms)', added(results.halfSaturated, 0.5), 3, undefined],
    ['added by a 1 KB call at half of saturation, p99 (ms)', added(results.halfSaturated, 0.99), 10, undefined],
    ['CPU a call, unsaturated (× floor)', cpuPerThousand(results.quiet.loom) / cpuPerThousand(results.quiet.floor), 3, undefined],
    ['CPU a call, saturated (× floor)', cpuPerThousand(results.saturated.loom) / cpuPerThousand(results.saturated.floor), 3, undefined],
    ['saturated req/s (× floor)', rate(results.saturated.loom) / rate(results.saturated.floor), undefined, 0.25],
    [`memory added by ${SLOW_STREAMS} slow streams (MB)`, results.memory.peakMb - results.memory.idleMb, 60, undefined],
    ['cached authentication, p50 (ms)', results.cachedAuthMs, 0.1, undefined],
    ['policy added by 5,000 keys and 200 models to that of 5 and 2, p50 (ms)', results.policy.manyMs - results.policy.fewMs, 0.02, undefined],
    ['CPU a call by 5,000 keys to 200 models, with the database (× one of each)', wholeCpu(results.manyKeys.many) / wholeCpu(results.manyKeys.few), 1.25, undefined]
  ]
  const rows = targets.map(([promise, reached, atMost, atLeast]) => {
    const kept = (atMost === undefined || reached <= atMost) && (atLeast === undefined || reached >= atLeast)
    return [promise, atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`, number(reached, reached < 0.1 ? 4 : 2), kept ? 'ok' : 'MISS']
  })
  return { text: formatTable(['promise', 'target', 'reached', ''], rows), missed: rows.filter(row => row[3] === 'MISS').length }
}

/** Loom's and PostgreSQL's, of a call. */
function wholeCpu(one: Measurement): number {
  return (one.cpuSeconds + one.databaseCpuSeconds) / one.calls
}

function cpuPerThousand(one: Measurement): number {
  return one.cpuSeconds / one.calls * 1000
}

import type { LoadGenerator } from './load'
import { chatOrder } from './measure'
import { residentMb } from './processes'
import type { Scenario } from './scenarios'
import type { Target } from './set-up'
import { median } from './statistics'

export const SLOW_STREAMS = 200

const scenario: Scenario = { title: `${SLOW_STREAMS} slow streams`, model: 'stream-slow', stream: true, promptBytes: 1_000, arrivals: { kind: 'closed', concurrency: SLOW_STREAMS }, seconds: 0, quickSeconds: 0 }

export interface MemoryUse {
  idleMb: number
  peakMb: number
  /** To the first byte of a stream, and to its last, of the median. */
  firstByteMs: number
  durationMs: number
  errors: number
}

/** How much the proxy's memory grows while so many streams are open at once, each for six seconds. */
export async function measureSlowStreams(load: LoadGenerator, target: Target): Promise<MemoryUse> {
  const [pid] = target.pids()
  if (!pid) throw new Error('only a proxy can be measured')
  const idleMb = residentMb(pid)
  let peakMb = idleMb
  const sampling = setInterval(() => peakMb = Math.max(peakMb, residentMb(pid)), 100)
  const { errors, firstBytesMs, latenciesMs } = await load.run({ ...chatOrder(target, scenario), arrivals: { kind: 'closed', concurrency: SLOW_STREAMS }, durationMs: 0, seed: 1 })
  clearInterval(sampling)
  return { idleMb, peakMb, firstByteMs: median(firstBytesMs), durationMs: median(latenciesMs), errors }
}

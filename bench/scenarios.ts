import type { MockModel } from './mock-models'

export interface Scenario {
  title: string
  model: MockModel
  stream: boolean
  promptBytes: number
  /** `half-of-saturation`: half of what Loom reached in the scenario that saturates it. */
  arrivals: { kind: 'closed', concurrency: number } | { kind: 'open', perSecond: number | 'half-of-saturation' }
  seconds: number
  quickSeconds: number
}

export const saturated: Scenario = { title: '1 KB, concurrency 32 (saturated)', model: 'answer-1kb', stream: false, promptBytes: 1_000, arrivals: { kind: 'closed', concurrency: 32 }, seconds: 5, quickSeconds: 2 }
export const halfSaturated: Scenario = { title: '1 KB, half of saturation', model: 'answer-1kb', stream: false, promptBytes: 1_000, arrivals: { kind: 'open', perSecond: 'half-of-saturation' }, seconds: 8, quickSeconds: 3 }
export const realisticStream: Scenario = { title: 'stream of 50 chunks, 30/s', model: 'stream-50', stream: true, promptBytes: 1_000, arrivals: { kind: 'open', perSecond: 30 }, seconds: 8, quickSeconds: 3 }
export const quiet: Scenario = { title: '1 KB, unsaturated (50/s)', model: 'answer-1kb', stream: false, promptBytes: 1_000, arrivals: { kind: 'open', perSecond: 50 }, seconds: 8, quickSeconds: 2 }

/** In the order they run; the saturated one comes first, because others are measured against what it reaches. */
export const scenarios: readonly Scenario[] = [
  saturated,
  halfSaturated,
  quiet,
  { title: '100 KB, unsaturated (20/s)', model: 'answer-100kb', stream: false, promptBytes: 100_000, arrivals: { kind: 'open', perSecond: 20 }, seconds: 8, quickSeconds: 2 },
  { title: '100 KB, concurrency 32', model: 'answer-100kb', stream: false, promptBytes: 100_000, arrivals: { kind: 'closed', concurrency: 32 }, seconds: 5, quickSeconds: 1 },
  realisticStream,
  { title: 'stream of 500 chunks, 4/s', model: 'stream-500', stream: true, promptBytes: 1_000, arrivals: { kind: 'open', perSecond: 4 }, seconds: 8, quickSeconds: 2 },
  { title: 'stream of 50 chunks at once, concurrency 32', model: 'stream-50-at-once', stream: true, promptBytes: 1_000, arrivals: { kind: 'closed', concurrency: 32 }, seconds: 5, quickSeconds: 1 },
  { title: 'stream of 500 chunks at once, concurrency 32', model: 'stream-500-at-once', stream: true, promptBytes: 1_000, arrivals: { kind: 'closed', concurrency: 32 }, seconds: 5, quickSeconds: 1 }
]

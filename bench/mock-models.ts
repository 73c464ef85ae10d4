import type { MockBehaviourInput } from '../tests/support/mock-upstream/behaviour'

const usage = { inputTokens: 300, outputTokens: 200 }

/** What the mock upstream answers to each model name. */
export const mockModels = {
  'answer-1kb': { chunks: 1, chunkBytes: 1_000, usage },
  'answer-100kb': { chunks: 1, chunkBytes: 100_000, usage },
  /** As a quick model streams: 200 ms to the first token, then 50 a second. */
  'stream-50': { chunks: 50, firstByteDelayMs: 200, chunkIntervalMs: 20, usage },
  'stream-500': { chunks: 500, firstByteDelayMs: 200, chunkIntervalMs: 4, usage },
  'stream-50-at-once': { chunks: 50, usage },
  'stream-500-at-once': { chunks: 500, usage },
  'stream-slow': { chunks: 60, firstByteDelayMs: 200, chunkIntervalMs: 100, usage },
  'brief': {},
  /** These write longer than anything waits for them: as a quick model does, and twice as fast. */
  'endless-50': { chunks: 60_000, chunkBytes: 24, chunkIntervalMs: 20 },
  'endless-100': { chunks: 60_000, chunkBytes: 24, chunkIntervalMs: 10 }
} satisfies Record<string, MockBehaviourInput>

export type MockModel = keyof typeof mockModels

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { z } from 'zod'

export type Arrivals = { kind: 'closed', concurrency: number } | { kind: 'open', perSecond: number }

export interface Call { headers: Record<string, string>, body: string }

export interface LoadOrder {
  origin: string
  path: string
  /** Each call is one of these, at random. */
  calls: readonly Call[]
  arrivals: Arrivals
  durationMs: number
  seed: number
}

export const LoadResult = z.object({
  calls: z.number(),
  errors: z.number(),
  firstError: z.string().nullable(),
  seconds: z.number(),
  latenciesMs: z.array(z.number()),
  firstBytesMs: z.array(z.number())
})
export type LoadResult = z.infer<typeof LoadResult>

export interface LoadGenerator {
  run: (order: LoadOrder) => Promise<LoadResult>
  stop: () => void
}

export function startLoadGenerator(): LoadGenerator {
  const child = fork(join(import.meta.dirname, 'load-generator.ts'), { execArgv: ['--import', 'tsx'] })
  return {
    run: async (order) => {
      const ended = new AbortController()
      child.send(order)
      try {
        const [result] = await Promise.race([once(child, 'message', ended), once(child, 'exit', ended).then(() => [undefined])])
        return LoadResult.parse(result)
      } finally {
        ended.abort()
      }
    },
    stop: () => child.disconnect()
  }
}

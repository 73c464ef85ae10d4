import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { defineTool, ToolError } from '../tool'
import { Turns } from '../turns'

const TIMEOUT_MS = 5_000
const MEMORY_MB = 96
const RESULT_MAX = 4_000
/** At once in this process. */
const THREADS_MAX = 2
/** More than a model asks for at once. */
const WAITING_MAX = 32

const turns = new Turns(THREADS_MAX, WAITING_MAX)

const Reply = z.union([z.object({ ready: z.literal(true) }), z.object({ result: z.string() }), z.object({ failure: z.string() })])

/** Numbers, units, matrices, statistics. An expression runs in a thread of its own, whose time and memory are bounded and whose end harms nobody. */
export default defineTool({
  name: 'calculate',
  description: 'Evaluates a mathematical expression exactly: arithmetic, powers, roots, trigonometry, statistics, matrices, units ("5 cm to inch"). Use it for every calculation instead of working it out yourself.',
  input: z.object({ expression: z.string().min(1).max(1_000).describe('For example: (1.02^10 - 1) * 350') }),
  timeoutMs: 60_000,
  run: async ({ expression }, { orgId, signal }) => ({ text: await turns.run(orgId, signal, () => evaluateApart(expression, signal)) })
})

async function evaluateApart(expression: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted()
  const worker = new Worker(workerFile(), { workerData: expression, name: 'calculate', env: {}, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 } })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<string>((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        const reply = Reply.parse(message)
        if ('ready' in reply) timer = setTimeout(() => reject(new ToolError('That takes too long to calculate.')), TIMEOUT_MS)
        else if ('failure' in reply) reject(new ToolError(reply.failure.slice(0, RESULT_MAX)))
        else resolve(reply.result.slice(0, RESULT_MAX))
      })
      worker.once('error', cause => reject(new ToolError('That takes more memory than a calculation may have.', { cause })))
      worker.once('exit', () => reject(new ToolError('The calculation ended without a result.')))
      signal.addEventListener('abort', () => reject(new ToolError('The calculation was stopped.')), { once: true })
    })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

/** Beside the built server's entry, or in the sources. */
function workerFile(): string {
  const built = join(dirname(process.argv[1] ?? '.'), 'calculate-worker.mjs')
  return existsSync(built) ? built : join(process.cwd(), 'server/chat/tools/calculate-worker.mjs')
}

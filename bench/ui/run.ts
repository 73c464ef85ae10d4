import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import { findChromium } from '../../tests/support/chromium'
import { startLoomServer } from '../../tests/support/loom-server'
import { startMockUpstream } from '../../tests/support/mock-upstream'
import { startPostgres } from '../../tests/support/postgres'
import { setUpLoom } from '../../tests/support/set-up-loom'
import { formatTable } from '../report'
import { median, percentile } from '../statistics'
import { measureFirstContent, measureScripts, measureScrolling, measureStreaming, openContext, pathOf } from './measure-chat'
import type { ChatBench } from './measure-chat'
import { fillTables, seedConversation } from './seed-conversations'
import type { SeededConversation } from './seed-conversations'

/** `npm run bench:ui`: a real browser at the built server. `--quick`: a smaller table and shorter waits. `--trace`: Playwright's traces in `.cache/bench`. */
const { values: { quick, trace } } = parseArgs({ options: { quick: { type: 'boolean', default: false }, trace: { type: 'boolean', default: false } } })

const MANY_MESSAGES = quick ? 200_000 : 1_000_000
const ROUNDS = quick ? 5 : 9
const STREAM_MS = quick ? 20_000 : 300_000

const postgres = await startPostgres()
if (!postgres) throw new Error('The benchmarks need PostgreSQL (Debian: apt-get install postgresql)')
const databaseUrl = await postgres.createDatabase('loom')
// 100 pieces a second, for longer than anything here waits.
const mock = await startMockUpstream({ models: { brief: {}, endless: { chunks: 60_000, chunkBytes: 24, chunkIntervalMs: 10 } } })
const loom = await startLoomServer({ env: { DATABASE_URL: databaseUrl, OPENAI_API_KEY: 'sk-mock', OPENAI_BASE_URL: mock.baseUrl, NEW_ORG_WALLET: 'unlimited' }, keepLogs: true })
const { cookie } = await setUpLoom(loom)
const browser = await chromium.launch({ ...await findChromium(), chromiumSandbox: false })
try {
  await run({ browser, url: loom.url, cookie })
} finally {
  await browser.close()
  await loom.remove()
  await mock.stop()
  await postgres.stop()
}

async function run(bench: ChatBench): Promise<void> {
  const short = await seedConversation(databaseUrl, 10)
  const flatSmallMs = await measureMessages(bench, short)
  const long = await seedConversation(databaseUrl, 10_000)
  await chooseModel(bench, long)
  await fillTables(databaseUrl, MANY_MESSAGES)
  const flatLargeMs = await measureMessages(bench, short)

  const first = { short: [] as number[], long: [] as number[] }
  for (let round = 0; round <= ROUNDS; round++) {
    const took = { short: await measureFirstContent(bench, short), long: await measureFirstContent(bench, long) }
    // The first round warms server and browser.
    if (round > 0) for (const which of ['short', 'long'] as const) first[which].push(took[which])
  }
  const scriptBytes = { ofNew: await measureScripts(bench, pathOf({ ...short, id: 'new' })), ofShort: await measureScripts(bench, pathOf(short)) }

  const context = await openContext(bench)
  if (trace) await context.tracing.start({ snapshots: true, screenshots: true })
  const page = await context.newPage()
  const scrolled = await measureScrolling(page, long, quick ? 100 : 400)
  const streamed = await measureStreaming(page, long, STREAM_MS)
  if (trace) await context.tracing.stop({ path: '.cache/bench/ui.zip' })

  report([
    ['first content, 10,000 messages (× 10 messages)', median(first.long) / median(first.short), 1.5],
    ['frame while scrolling, p95 (ms)', percentile(scrolled.framesMs, 0.95), 20],
    ['elements in the page, most', scrolled.mostElements, 3_000],
    ['key to frame while streaming, p95 (ms)', percentile(streamed.keysMs, 0.95), 50],
    ['drift of the text read while streaming (px)', streamed.driftPx, 2],
    [`heap added by ${STREAM_MS / 1000} s of streaming (MB)`, streamed.heapGrowth / 1e6, 10],
    ['scripts of a new chat, first load (KB, compressed)', scriptBytes.ofNew / 1024, 250],
    ['scripts of a conversation, first load (KB, compressed)', scriptBytes.ofShort / 1024, 250],
    [`newest messages, ${MANY_MESSAGES / 1000}k in the table (× few)`, flatLargeMs / flatSmallMs, 1.5]
  ])
  console.log(`\nfirst content p50: ${median(first.short).toFixed(0)} ms of 10 messages, ${median(first.long).toFixed(0)} ms of 10,000; newest messages p50: ${flatSmallMs.toFixed(1)} and ${flatLargeMs.toFixed(1)} ms`)
}

function report(rows: [promise: string, reached: number, atMost: number][]): void {
  const missed = rows.filter(([, reached, atMost]) => !(reached <= atMost)).length
  console.log(formatTable(['promise', 'target', 'reached', ''], rows.map(([promise, reached, atMost]) => [promise, `≤ ${atMost}`, reached.toFixed(2), reached <= atMost ? 'ok' : 'MISS'])))
  console.log(missed === 0 ? '\nEvery target is reached.' : `\n${missed} targets are MISSED.`)
}

async function chooseModel({ url, cookie }: ChatBench, { id }: SeededConversation): Promise<void> {
  const headers = { cookie, 'origin': url, 'content-type': 'application/json' }
  await fetch(`${url}/api/connections`, { method: 'POST', headers, body: JSON.stringify({ kind: 'openai-compatible', name: 'bench', baseUrl: mock.baseUrl, secret: 'bench', config: { models: ['endless'] } }) })
  const response = await fetch(`${url}/api/conversations/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ model: 'endless' }) })
  if (!response.ok) throw new Error(`The model was not chosen: ${await response.text()}`)
}

/** Milliseconds, p50, that the newest page of messages takes over HTTP. */
async function measureMessages({ url, cookie }: ChatBench, { id }: SeededConversation): Promise<number> {
  const took: number[] = []
  for (let call = 0; call < 60; call++) {
    const startedAt = performance.now()
    const response = await fetch(`${url}/api/conversations/${id}/messages`, { headers: { cookie } })
    await response.arrayBuffer()
    // The first ones warm it.
    if (call >= 20) took.push(performance.now() - startedAt)
  }
  return median(took)
}

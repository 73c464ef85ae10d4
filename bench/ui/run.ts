import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import { ChatClient } from '../../tests/support/chat-client'
import { findChromium } from '../../tests/support/chromium'
import { countStatements } from '../../tests/support/count-statements'
import { freePort } from '../../tests/support/free-port'
import { startLoomServer } from '../../tests/support/loom-server'
import { startPostgres } from '../../tests/support/postgres'
import type { PostgresServer } from '../../tests/support/postgres'
import { setUpLoom } from '../../tests/support/set-up-loom'
import { startScript } from '../processes'
import { formatTable } from '../report'
import { median, percentile } from '../statistics'
import { measureFirstContent, measureFirstLoad, measureScrolling, measureStreaming, openContext } from './measure-chat'
import type { ChatBench } from './measure-chat'
import { measureFirstToken, STREAMS } from './measure-first-token'
import { fillTables, seedConversation } from './seed-conversations'
import type { SeededConversation } from './seed-conversations'

/** `npm run bench:ui`: a real browser at the built server. `--quick`: a smaller table, shorter waits, fewer rounds. `--trace`: Playwright's traces in `.cache/bench`. */
const { values: { quick, trace } } = parseArgs({ options: { quick: { type: 'boolean', default: false }, trace: { type: 'boolean', default: false } } })

const FEW_MESSAGES = 100
const MANY_MESSAGES = quick ? 200_000 : 1_000_000
const ROUNDS = quick ? 5 : 9
const STREAM_MS = quick ? 30_000 : 300_000
const FIRST_TOKENS = { rounds: quick ? 2 : 5, answers: quick ? 20 : 40 }

const database = await startPostgres()
if (!database) throw new Error('The benchmarks need PostgreSQL (Debian: apt-get install postgresql)')
const databaseUrl = await database.createDatabase('loom')
const mockPort = await freePort()
const mock = await startScript('mock.ts', [String(mockPort)])
const mockUrl = `http://127.0.0.1:${mockPort}/v1`
const loom = await startLoomServer({ env: { DATABASE_URL: databaseUrl, OPENAI_API_KEY: 'sk-mock', OPENAI_BASE_URL: mockUrl, NEW_ORG_WALLET: 'unlimited' }, keepLogs: true })
const { cookie } = await setUpLoom(loom)
const browser = await chromium.launch({ ...await findChromium(), chromiumSandbox: false })
try {
  await run({ browser, url: loom.url, cookie }, database)
} finally {
  await browser.close()
  await loom.remove()
  mock.stop()
  await database.stop()
}

async function run(bench: ChatBench, database: PostgresServer): Promise<void> {
  const short = await seedConversation(databaseUrl, 10)
  await seedConversation(databaseUrl, FEW_MESSAGES - 10)
  const flatSmallMs = await measureMessages(bench, short)
  const long = await seedConversation(databaseUrl, 10_000)
  await chooseModel(bench, long)
  await fillTables(databaseUrl, MANY_MESSAGES)
  const flatLargeMs = await measureMessages(bench, short)

  const openingQueries = await countOpeningQueries(bench, database, short)

  const first = { short: [] as number[], long: [] as number[] }
  for (let round = 0; round <= ROUNDS; round++) {
    const took = { short: await measureFirstContent(bench, short), long: await measureFirstContent(bench, long) }
    // The first round warms server and browser.
    if (round > 0) for (const which of ['short', 'long'] as const) first[which].push(took[which])
  }
  const withoutCode = await seedConversation(databaseUrl, 10, { firstTurn: 1 })
  const firstLoad = { ...await measureFirstLoad(bench, withoutCode), withCodeBytes: (await measureFirstLoad(bench, short)).conversationBytes }

  const context = await openContext(bench)
  if (trace) await context.tracing.start({ snapshots: true, screenshots: true })
  const page = await context.newPage()
  const scrolled = await measureScrolling(page, long, quick ? 100 : 400)
  const streamed = await measureStreaming(page, long, STREAM_MS)
  if (trace) await context.tracing.stop({ path: '.cache/bench/ui.zip' })
  await context.close()
  const { aloneMs, crowdedMs } = await measureFirstToken(new ChatClient(loom, { cookie }), bench, databaseUrl, FIRST_TOKENS.rounds, FIRST_TOKENS.answers)

  report([
    ['first content, 10,000 messages (× 10 messages)', median(first.long) / median(first.short), 1.5],
    ['frame while scrolling, p95 (ms)', percentile(scrolled.framesMs, 0.95), 20],
    ['elements in the page, most', scrolled.mostElements, 3_000],
    ['key to frame while streaming, p95 (ms)', percentile(streamed.keysMs, 0.95), 50],
    ['drift of the text read while streaming (px)', streamed.driftPx, 2],
    [`heap after ${STREAM_MS / 1000} s of streaming (× after ${STREAM_MS / 5000} s)`, streamed.heapBytes.late / streamed.heapBytes.early, 1.1],
    ['scripts of a new chat, first load (KB, compressed)', firstLoad.newChatBytes / 1024, 250],
    ['scripts of a conversation, first load (KB, compressed)', firstLoad.conversationBytes / 1024, 250],
    ['queries that open a conversation', openingQueries, 3],
    [`newest messages, ${MANY_MESSAGES / 1000}k in the table (× ${FEW_MESSAGES})`, flatLargeMs / flatSmallMs, 1.5],
    [`first token beside ${STREAMS} streams, p50 (ms more than alone)`, median(crowdedMs) - median(aloneMs), 2]
  ])
  console.log(`\nfirst content p50: ${median(first.short).toFixed(0)} ms of 10 messages, ${median(first.long).toFixed(0)} ms of 10,000; newest messages p50: ${flatSmallMs.toFixed(1)} and ${flatLargeMs.toFixed(1)} ms`)
  console.log(`scripts of a conversation with code, its colours included: ${(firstLoad.withCodeBytes / 1024).toFixed(0)} KB`)
  console.log(`heap: ${(streamed.heapBytes.early / 1e6).toFixed(1)} MB early, ${(streamed.heapBytes.late / 1e6).toFixed(1)} MB late; first token p50: ${median(aloneMs).toFixed(1)} ms alone, ${median(crowdedMs).toFixed(1)} ms beside ${STREAMS} streams`)
}

function report(rows: [promise: string, reached: number, atMost: number][]): void {
  const missed = rows.filter(([, reached, atMost]) => !(reached <= atMost)).length
  console.log(formatTable(['promise', 'target', 'reached', ''], rows.map(([promise, reached, atMost]) => [promise, `≤ ${atMost}`, reached.toFixed(2), reached <= atMost ? 'ok' : 'MISS'])))
  console.log(missed === 0 ? '\nEvery target is reached.' : `\n${missed} targets are MISSED.`)
}

async function chooseModel({ url, cookie }: ChatBench, { id }: SeededConversation): Promise<void> {
  const headers = { cookie, 'origin': url, 'content-type': 'application/json' }
  await fetch(`${url}/api/connections`, { method: 'POST', headers, body: JSON.stringify({ kind: 'openai-compatible', name: 'bench', baseUrl: mockUrl, secret: 'bench', config: { models: ['brief', 'endless-50', 'endless-100'] } }) })
  const response = await fetch(`${url}/api/conversations/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ model: 'endless-100' }) })
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

/** What PostgreSQL runs for the request that opens a conversation: whose session it is, the conversation, its newest messages. */
async function countOpeningQueries({ url, cookie }: ChatBench, database: PostgresServer, { id }: SeededConversation): Promise<number> {
  const statements = await countStatements(database, async () => {
    const response = await fetch(`${url}/api/conversations/${id}/messages`, { headers: { cookie } })
    if (!response.ok) throw new Error(`The conversation did not open: ${await response.text()}`)
    await response.arrayBuffer()
  })
  return [...statements.values()].reduce((sum, count) => sum + count, 0)
}

import { join } from 'node:path'
import { z } from 'zod'
import { ChatClient } from '../tests/support/chat-client'
import { startLoomServer } from '../tests/support/loom-server'
import type { LoomServer } from '../tests/support/loom-server'
import { startMockUpstream } from '../tests/support/mock-upstream'
import { setUpLoom } from '../tests/support/set-up-loom'
import { findNode } from './pinned-node.mjs'
import { root, ScriptError } from './project.mjs'
import { runCommand } from './run-command.mjs'

/** A Loom with the demo org and its administrator's cookies. */
export interface Stage {
  url: string
  cookies: { name: string, value: string, url: string }[]
  remove: () => Promise<void>
}

const ANSWER = 'A heddle is the loop or eye that holds one warp thread. Lifting a harness raises its heddles together, which opens the shed for the weft to pass through.'
const models = { 'gpt-4o-mini': { text: ANSWER, chunks: 20, firstByteDelayMs: 90, usage: { inputTokens: 412, outputTokens: 148 } }, 'gpt-4o': { text: ANSWER, chunks: 20, firstByteDelayMs: 260, usage: { inputTokens: 1_204, outputTokens: 366 } } }

const Keys = z.object({ id: z.string(), key: z.string() })
const Orgs = z.object({ orgs: z.array(z.object({ id: z.string(), name: z.string() })) })

/** Starts the built server with the demo data, and adds what only a running one can have: keys with budgets, rules, answered and refused calls. */
export async function stageDemo(): Promise<Stage> {
  const opened: (() => Promise<void>)[] = []
  const remove = async () => {
    for (const close of opened.reverse()) await close()
  }
  try {
    const mock = await startMockUpstream({ models })
    opened.push(mock.stop)
    const loom = await startLoomServer({ env: { OPENAI_API_KEY: 'sk-demo', OPENAI_BASE_URL: mock.baseUrl } })
    opened.push(loom.remove)
    const { cookie } = await setUpLoom(loom)
    await loom.stop()
    if (await runCommand(findNode(), ['--import', 'tsx', join(root, 'scripts/database.ts'), 'seed'], { env: { ...loom.env }, quiet: true }) !== 0) throw new ScriptError('the demo data could not be added.')
    await loom.start()
    await fill(loom, new ChatClient(loom, { cookie }))
    return { url: loom.url, cookies: cookie.split('; ').map(pair => ({ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1), url: loom.url })), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function fill(loom: LoomServer, client: ChatClient): Promise<void> {
  const { orgs } = Orgs.parse(await client.get('/session'))
  await client.post('/session/org', { orgId: orgs.find(({ name }) => name === 'Acme Research')?.id })
  const app = Keys.parse(await client.post('/keys', { name: 'Mobile app', limits: { budgets: { day: '0.5', month: '25' }, requestsPerMinute: 600 }, expiresAt: new Date(Date.now() + 9 * 86_400_000).toISOString() }))
  await client.post('/keys', { name: 'Nightly evaluation', allowedModels: ['gpt-4o*'], limits: { budgets: { week: '10' } } })
  await client.post('/alerts/rules', { name: 'Budgets', condition: { kind: 'budget', percents: [50, 80, 100] }, emails: ['ops@acme.example'] })
  await client.post('/alerts/rules', { name: 'Calls fail', condition: { kind: 'errors', percent: 20, minutes: 5, minCalls: 20 }, emails: ['ops@acme.example'] })
  await client.post('/orgs/current/invitations', { email: 'grace@acme.example', role: 'member' })
  for (const model of ['gpt-4o-mini', 'gpt-4o-mini', 'gpt-4o', 'gpt-4o-mini', 'no-such-model', 'gpt-4o', 'gpt-4o-mini']) {
    const answer = await fetch(`${loom.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${app.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'system', content: 'You explain weaving in two sentences.' }, { role: 'user', content: 'What is a heddle?' }] })
    })
    await answer.arrayBuffer()
  }
}

import { afterAll, beforeAll, expect, test } from 'vitest'
import { head } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'

const secret = 'credential-0123456789'
const message = `Overloaded: ${secret} of org-abcdef123456, see sk-live-0123456789`
/** Told to a length at which the secret would be cut. */
const long = `${'x'.repeat(1_990)}${secret}`

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const stream = head('text/event-stream')
const chunk = event({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'Half' }, finish_reason: null }] })
const text = event({ id: 'c', object: 'text_completion', created: 1, model: 'm', choices: [{ index: 0, text: 'Half', finish_reason: null }] })
const started = event({ type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'c', content: [], usage: { input_tokens: 1, output_tokens: 1 } } })
const failed = { id: 'r', object: 'response', status: 'failed', model: 'm', output: [], error: { code: 'server_error', message } }

const chat = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 }
const cases = [
  { name: 'chat-first', kind: 'openai-compatible', path: 'chat/completions', question: { ...chat, stream: true }, answer: stream + event({ error: { message } }) },
  { name: 'chat', kind: 'openai-compatible', path: 'chat/completions', question: { ...chat, stream: true }, answer: stream + chunk + event({ error: { message } }) },
  { name: 'chat-long', kind: 'openai-compatible', path: 'chat/completions', question: { ...chat, stream: true }, answer: stream + chunk + event({ error: { message: long } }) },
  { name: 'messages-over-chat', kind: 'openai-compatible', path: 'messages', question: { ...chat, stream: true }, answer: stream + chunk + event({ error: message }) },
  { name: 'completions', kind: 'openai-compatible', path: 'completions', question: { prompt: 'Hi', stream: true }, answer: stream + text + event({ error: { message } }) },
  { name: 'speech', kind: 'openai-compatible', path: 'audio/speech', question: { input: 'Hi', voice: 'alloy', stream_format: 'sse' }, answer: stream + event({ error: { message } }) },
  { name: 'responses', kind: 'openai', path: 'responses', question: { input: 'Hi', stream: true }, answer: stream + event({ type: 'response.output_text.delta', delta: 'Half' }) + event({ type: 'error', message }) },
  { name: 'responses-failed', kind: 'openai', path: 'responses', question: { input: 'Hi', stream: true }, answer: stream + event({ type: 'response.output_text.delta', delta: 'Half' }) + event({ type: 'response.failed', response: failed }) },
  { name: 'responses-whole', kind: 'openai', path: 'responses', question: { input: 'Hi' }, answer: head('application/json') + JSON.stringify(failed) },
  { name: 'messages', kind: 'anthropic', path: 'messages', question: { ...chat, stream: true }, answer: stream + started + event({ type: 'error', error: { type: 'overloaded_error', message } }) }
] as const

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  upstream = await startRawUpstream(Object.fromEntries(cases.map(({ name, answer }) => [name, write => write(answer)])))
  gateway = await openGateway({ UPSTREAM_RETRIES: '0' })
  key = (await gateway.createKey()).key
  for (const { name, kind } of cases) await gateway.api('POST', '/api/connections', { kind, name, baseUrl: upstream.baseUrl(name).replace(kind === 'anthropic' ? /\/v1$/ : '', ''), secret })
})
afterAll(async () => {
  await gateway.remove()
  await upstream.stop()
})

test.each(cases)('what a provider says in an answer that fails tells neither its account nor our secret: $name', async ({ name, path, question }) => {
  const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: `${name}/m`, ...question }) })
  const told = await response.text()
  expect(told).toMatch(/Overloaded: \[redacted\] of \[redacted\], see \[redacted\]|x{1990}\[redacted/)
  expect(told).not.toMatch(/credential-0|org-abc|sk-live/)
})

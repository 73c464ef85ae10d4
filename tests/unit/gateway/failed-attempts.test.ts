import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { LatencyBoard } from '../../../server/gateway/latency-board'
import { openUpstream } from '../../../server/gateway/open-upstream'
import { parseChatRequest } from '../../../server/gateway/operations/chat-completions'
import type { Transport } from '../../../server/gateway/providers/provider'
import { TargetHealth } from '../../../server/gateway/target-health'
import { UnreachableError } from '../../../server/gateway/transport'
import { targetOf } from '../../support/operation-calls'
import { connectionOf } from '../../support/provider-calls'

/** A connection whose secret is a word that our own messages have, too. */
const target = targetOf('openai-compatible', 'm', { connection: connectionOf('openai-compatible', { baseUrl: 'https://x.example/v1', secret: 'provider' }) })

function call(transport: Transport, health = new TargetHealth(), retries = 0) {
  const request = parseChatRequest(Buffer.from(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }] })))
  return openUpstream(request, [target], {
    orgId: 'org', health, latencies: new LatencyBoard(), transport, retries, signal: new AbortController().signal, progress: { attempts: [], target: undefined }, observe: () => {}
  })
}

test('a server that cannot be reached is told so in our own words, and counts as one for everybody, whatever the secret of its connection', async () => {
  const health = new TargetHealth()
  const refuse: Transport = () => Promise.reject(new UnreachableError('upstream_error', 'The connection to the provider failed.'))
  for (let tries = 0; tries < 5; tries++) await expect(call(refuse, health)).rejects.toMatchObject({ message: 'The connection to the provider failed.' })
  expect(health.resting()).toMatchObject([{ orgId: null, connectionId: target.connection.id }])
})

test.each(['data: [DONE]\n\n', 'data: {"object":"error","message":"EngineDeadError","code":500}\n\ndata: [DONE]\n\n'])('a stream that is no more than %j is tried again', async (failure) => {
  const bodies = [failure, 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n']
  const opened = await call(() => Promise.resolve({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: Readable.from([Buffer.from(bodies.shift() ?? '')], { objectMode: false }) }), new TargetHealth(), 1)
  expect(opened.kind === 'stream' && opened.first.toString()).toContain('"Hi"')
})

test('what a provider tells of a failure is looked through for the secret, our own account of it is not', async () => {
  const answer = (status: number, body: string): Transport => () => Promise.resolve({ status, headers: { 'content-type': 'text/event-stream' }, body: Readable.from([Buffer.from(body)], { objectMode: false }) })
  await expect(call(answer(200, 'data: {"error":{"message":"Your provider key is off"}}\n\n'))).rejects.toMatchObject({ message: 'Your [redacted] key is off' })
  await expect(call(answer(500, '{"error":{"message":"Your provider key is off"}}'))).rejects.toMatchObject({ message: 'Your [redacted] key is off' })
  await expect(call(answer(400, '{"error":{"message":"No","code":"provider","param":"the provider"}}'))).rejects.toMatchObject({ told: { code: undefined }, param: 'the [redacted]' })
  await expect(call(answer(500, '{}'))).rejects.toMatchObject({ message: 'The provider answered with status 500 and no explanation.' })
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { ResponseSink } from '../../../server/utils/serve-operation'

const head = { requestId: 'r', provider: 'demo', model: 'demo', attempts: 1, overheadMs: 1, admission: undefined, maxOutputTokens: undefined, cache: 'none', cacheAgeMs: undefined } as const

const server = createServer()
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  vi.useRealTimers()
  server.closeAllConnections()
  server.close()
})

test.each(['ends', 'is left by its caller'])('a stream in which nothing comes is kept alive, until it %s', async (end) => {
  const address = server.address()
  const asked = once(server, 'request')
  const left = new AbortController()
  const fetched = fetch(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, { signal: left.signal })
  const response: ServerResponse = (await asked)[1]
  const sink = new ResponseSink(response, chatCompletions)
  sink.begin(head, 'text/event-stream')
  sink.write(Buffer.from('data: 1\n\n'))
  const reader = (await fetched).body?.getReader()
  const read = async () => String(Buffer.from((await reader?.read())?.value ?? []))
  expect(await read()).toBe('data: 1\n\n')
  for (let times = 0; times < 2; times++) {
    vi.advanceTimersByTime(15_000)
    expect(await read()).toBe(': keep-alive\n\n')
  }
  if (end === 'ends') {
    sink.end(Buffer.from('data: [DONE]\n\n'))
  } else {
    left.abort()
    await once(response, 'close')
  }
  expect(vi.getTimerCount()).toBe(0)
})

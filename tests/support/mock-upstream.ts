import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { answerRequest, dialectOf, readRequest } from './mock-upstream/answer-request'
import type { MockRequest } from './mock-upstream/answer-request'
import { behaviourOfModel, MockBehaviour } from './mock-upstream/behaviour'
import type { MockBehaviourInput } from './mock-upstream/behaviour'
import type { MockAnswer } from './mock-upstream/send-answer'
import { sendAnswer } from './mock-upstream/send-answer'
import { until } from './until'

/** A request as the mock received it. */
export interface ReceivedRequest {
  method: string
  /** With its query. */
  path: string
  headers: IncomingHttpHeaders
  /** Byte for byte. */
  body: Buffer
  json: MockRequest
  /** When, by the clock. */
  atMs: number
  /** The whole answer was sent. */
  answered: boolean
  /** The caller closed the connection before that. */
  callerGone: boolean
}

/**
 * A provider on 127.0.0.1 that speaks OpenAI's chat completions, completions and responses (Azure's paths too), Anthropic's messages and
 * Google's `generateContent`, and answers as it is told: by `respondWith`, else by an `x-mock` header or a model name (`mockModel({ ... })`) that
 * carry a behaviour, else briefly and correctly.
 */
export interface MockUpstream {
  /** Without a path, as Anthropic's SDK wants it. */
  url: string
  /** With `/v1`, as OpenAI's SDK wants it. */
  baseUrl: string
  /** In the order of arrival. */
  requests: ReceivedRequest[]
  /** Answers the next `times` requests (default 1) so; calls queue up. */
  respondWith: (behaviour: MockBehaviourInput, options?: { times?: number }) => void
  /** Resolves when `count` requests have arrived, with the last of them. */
  received: (count?: number) => Promise<ReceivedRequest>
  /** Forgets requests and queued behaviours. */
  reset: () => void
  /** Closes every connection; later calls find the port closed. */
  stop: () => Promise<void>
}

export interface MockUpstreamOptions {
  record?: boolean
  port?: number
  models?: Record<string, MockBehaviourInput>
}

/**
 * @param options.record keep the requests (default); without, answers are cached too, for benchmarks
 * @param options.port default: a free one
 * @param options.models behaviours by model name, for names that must be plain
 */
export async function startMockUpstream({ record = true, port = 0, models = {} }: MockUpstreamOptions = {}): Promise<MockUpstream> {
  const requests: ReceivedRequest[] = []
  const queue: MockBehaviour[] = []
  const named = new Map(Object.entries(models).map(([model, behaviour]) => [model, MockBehaviour.parse(behaviour)]))
  const makeAnswer = answerMaker(named)
  const answerOf = record ? makeAnswer : cached(makeAnswer)

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // A test that misuses the mock should read why in the answer.
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`mock upstream: ${String(error)}`)
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const body = await buffer(request)
    const path = request.url ?? '/'
    if (path.endsWith('/models')) return listModels(response)
    const header = request.headers['x-mock']
    const queued = queue.shift()
    const received = { method: request.method ?? '', path, headers: request.headers, body, json: await readRequest(path, body, request.headers['content-type']), atMs: Date.now(), answered: false, callerGone: false }
    if (record) requests.push(received)
    response.once('close', () => {
      received.answered = response.writableFinished
      received.callerGone = !response.writableFinished
    })
    const { behaviour, made } = queued
      ? makeAnswer(path, received.json, queued)
      : answerOf(path, received.json, typeof header === 'string' ? header : undefined)
    await sendAnswer(response, behaviour, made)
  }

  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  const url = `http://127.0.0.1:${address.port}`
  return {
    url,
    baseUrl: `${url}/v1`,
    requests,
    respondWith: (behaviour, { times = 1 } = {}) => {
      const parsed = MockBehaviour.parse(behaviour)
      for (let left = times; left > 0; left--) queue.push(parsed)
    },
    received: (count = 1) => until(() => requests[count - 1], { what: () => `request ${count} to reach the mock upstream; ${requests.length} did` }),
    reset: () => {
      requests.length = 0
      queue.length = 0
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

interface Made { behaviour: MockBehaviour, made: MockAnswer }

type MakeAnswer = (path: string, request: MockRequest, told: string | MockBehaviour | undefined) => Made

function answerMaker(named: ReadonlyMap<string, MockBehaviour>): MakeAnswer {
  return (path, request, told) => {
    const dialect = dialectOf(path)
    const behaviour = typeof told === 'string' ? MockBehaviour.parse(JSON.parse(told)) : told ?? named.get(request.model) ?? behaviourOfModel(request.model)
    const acting = { ...behaviour, status: dialect ? behaviour.status : 404 }
    return { behaviour: acting, made: answerRequest(dialect, request, acting) }
  }
}

/** The same answer for the same question, made once. */
function cached(make: MakeAnswer): MakeAnswer {
  const answers = new Map<string, Made>()
  return (path, request, told) => {
    const key = `${path} ${request.model} ${request.stream} ${request.stream_options?.include_usage} ${typeof told === 'string' ? told : ''}`
    const answer = answers.get(key) ?? make(path, request, told)
    answers.set(key, answer)
    return answer
  }
}

function listModels(response: ServerResponse): void {
  const models = { object: 'list', data: [{ id: 'mock', object: 'model', created: 1_760_000_000, owned_by: 'mock' }] }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(models))
}

import { describe, expect, test } from 'vitest'
import type { Price } from '../../../server/billing/price'
import type { Target } from '../../../server/catalog/target'
import { CircuitBreaker } from '../../../server/gateway/circuit-breaker'
import { LatencyBoard } from '../../../server/gateway/latency-board'
import { demo } from '../../../server/gateway/providers/demo'
import { StreamOpening } from '../../../server/gateway/stream-opening'
import { splitAlternatives } from '../../../server/gateway/requested-models'
import { orderTargets, rankOf, routeCall } from '../../../server/gateway/route-targets'
import { TargetHealth } from '../../../server/gateway/target-health'

const price: Price = { source: 'test', inputPrice: 150_000_000n, outputPrice: 600_000_000n }
const call = { model: 'm', stream: false, bound: () => ({ inputTokens: 400, outputTokens: 4_000 }) }
const noLatencies = new LatencyBoard()
const payer = { orgId: 'org', pays: () => true }

function target(upstreamModel: string, rest: Partial<Target> = {}): Target {
  return {
    requestedModel: 'm', connection: { id: upstreamModel, kind: 'demo', name: 'demo', baseUrl: null, secret: null, config: {} }, provider: demo, upstreamModel, servedModel: upstreamModel, price,
    strategy: 'weighted', priority: 0, weight: 1, timeoutMs: null, retries: null, ...rest
  }
}
const order = (targets: Target[], { random = Math.random, latencies = noLatencies }: { random?: () => number, latencies?: LatencyBoard } = {}) =>
  orderTargets(() => true, 'm', targets, one => rankOf(one, call, latencies, random)).map(one => one.upstreamModel)

describe('the order of targets', () => {
  test.each(['ordered', 'weighted', 'least-latency', 'least-cost'] as const)('is by priority first with the strategy %s, whatever the dice', (strategy) => {
    for (const draw of [0.01, 0.5, 0.99]) expect(order([target('late', { strategy, priority: 2 }), target('early', { strategy })], { random: () => draw })).toEqual(['early', 'late'])
  })

  test('is that of the list where the strategy is ordered', () => {
    expect(order(['a', 'b', 'c'].map(name => target(name, { strategy: 'ordered', weight: name === 'c' ? 1_000 : 1 })))).toEqual(['a', 'b', 'c'])
  })

  test('follows the weights where the strategy is weighted', () => {
    let seed = 1
    const random = () => (seed = seed * 16_807 % 2_147_483_647) / 2_147_483_647
    const firsts = Array.from({ length: 4_000 }, () => order([target('heavy', { weight: 3 }), target('light')], { random })[0])
    expect(firsts.filter(first => first === 'heavy').length / 4_000).toBeCloseTo(0.75, 1)
  })

  test('puts the cheapest for this call first where the strategy is least-cost: a long prompt and a long answer may differ, and no price is last', () => {
    const targets = [
      target('unpriced', { price: undefined }),
      target('cheap to ask', { price: { source: 'test', inputPrice: 10n, outputPrice: 10_000_000n } }),
      target('cheap to answer', { price: { source: 'test', inputPrice: 10_000_000n, outputPrice: 10n } })
    ].map(one => ({ ...one, strategy: 'least-cost' as const }))
    const ordered = (inputTokens: number, outputTokens: number) =>
      orderTargets(() => false, 'm', targets, one => rankOf(one, { ...call, bound: () => ({ inputTokens, outputTokens }) }, noLatencies)).map(one => one.upstreamModel)
    expect(ordered(100_000, 10)).toEqual(['cheap to ask', 'cheap to answer', 'unpriced'])
    expect(ordered(100, 500)).toEqual(['cheap to answer', 'cheap to ask', 'unpriced'])
  })

  test('leaves targets without a whole price to those who do not pay by it', () => {
    const targets = [target('free', { price: undefined }), target('priced')]
    expect(order(targets)).toEqual(['priced'])
    expect(orderTargets(() => false, 'm', targets, () => 0)).toHaveLength(2)
    expect(order([...targets, target('searches', { price: { ...price, isPartial: true } })])).toEqual(['priced'])
    expect(() => order(targets.slice(0, 1))).toThrow(expect.objectContaining({ code: 'model_without_price' }))
    expect(() => order([])).toThrow(expect.objectContaining({ code: 'model_not_found' }))
  })
})

describe('least latency', () => {
  const a = target('a', { strategy: 'least-latency' })
  const b = target('b', { strategy: 'least-latency' })

  test('measures each target once, then prefers the one that begins sooner, and follows a change', () => {
    const latencies = new LatencyBoard()
    expect(order([a, b], { latencies })[0]).toBe('a')
    latencies.began(a, false)
    expect(order([a, b], { latencies })[0]).toBe('b')
    latencies.answered(a, false, 400)
    latencies.answered(b, false, 100)
    expect(order([a, b], { latencies })).toEqual(['b', 'a'])
    for (let slow = 0; slow < 10; slow++) latencies.answered(b, false, 900)
    expect(order([a, b], { latencies })).toEqual(['a', 'b'])
  })

  test('does not take an error that comes at once for a quick answer', () => {
    const latencies = new LatencyBoard()
    latencies.answered(a, false, 400)
    latencies.failed(b, false)
    expect(order([a, b], { latencies })).toEqual(['a', 'b'])
  })

  test('believes the first answer of a target that failed and was left alone for a minute', () => {
    const latencies = new LatencyBoard()
    latencies.answered(a, false, 1_000, 0)
    latencies.failed(a, false, 1_000)
    expect(latencies.rank(a, false, 2_000)).toBeGreaterThan(5_000)
    latencies.answered(a, false, 1_000, 61_000)
    expect(latencies.rank(a, false, 62_000)).toBeLessThan(1_200)
  })

  test('keeps streams and whole answers apart', () => {
    const latencies = new LatencyBoard()
    latencies.answered(a, true, 10)
    latencies.answered(a, false, 5_000)
    expect([latencies.rank(a, true), latencies.rank(a, false)]).toEqual([10, 5_000])
  })

  test('lets one call ask again a target not heard of for a minute', () => {
    const latencies = new LatencyBoard()
    latencies.answered(a, false, 400, 0)
    latencies.answered(b, false, 100, 50_000)
    expect(latencies.rank(a, false, 61_000)).toBe(0)
    latencies.began(a, false, 61_000)
    expect([latencies.rank(a, false, 61_001), latencies.rank(b, false, 61_001)]).toEqual([400, 100])
    expect(latencies.rank(a, false, 72_000)).toBe(0)
  })
})

describe('alternatives', () => {
  const routing = (known: Record<string, Target[]>) => ({ catalog: { resolveTargets: async (_org: string, model: string) => known[model] ?? [] }, latencies: new LatencyBoard() })

  test('follow the model in their order, and those that lead nowhere are passed over', async () => {
    const targets = await routeCall(routing({ a: [target('a1'), target('a2', { priority: 1 })], c: [target('c1')] }), payer, call, ['b', 'c', 'a'])
    expect(targets.map(one => one.upstreamModel)).toEqual(['c1', 'a1', 'a2'])
    await expect(routeCall(routing({}), payer, call, ['b', 'c'])).rejects.toMatchObject({ code: 'model_not_found', message: expect.stringContaining('"b"') })
  })

  test('are taken out of the body, the first of them in place of a model that is missing', () => {
    expect(splitAlternatives({ model: 'a', models: ['b', 'a', 'b'], n: 1 })).toEqual({ body: { model: 'a', n: 1 }, alternatives: ['b'] })
    expect(splitAlternatives({ models: ['a', 'b'] })).toEqual({ body: { model: 'a' }, alternatives: ['b'] })
    const plain = { model: 'a' }
    expect(splitAlternatives(plain).body).toBe(plain)
    for (const models of ['a', [], [1], [''], Array.from({ length: 11 }, (_, index) => `m${index}`)]) expect(() => splitAlternatives({ models })).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'models' }))
  })
})

test('a circuit opens after five failures, lets one probe pass after its pause, and believes the probe', () => {
  const breaker = new CircuitBreaker()
  for (let failures = 0; failures < 5; failures++) {
    breaker.failed('a', leaveOf(breaker.admit('a', 0)), 0)
  }
  expect(breaker.admit('a', 4_999)).toBeUndefined()
  expect(breaker.waitMs('a', 1_000)).toBe(4_000)
  // Calls that were under way when it opened do not prolong its pause.
  const straggler = leaveOf(breaker.admit('b', 0))
  for (let late = 0; late < 5; late++) breaker.failed('a', straggler, 100)
  expect(breaker.waitMs('a', 1_000)).toBe(4_000)
  const probe = leaveOf(breaker.admit('a', 5_000))
  expect(breaker.admit('a', 5_000)).toBeUndefined()
  breaker.undecided('a', probe)
  const next = leaveOf(breaker.admit('a', 5_000))
  breaker.failed('a', next, 5_000)
  expect(breaker.admit('a', 14_999)).toBeUndefined()
  expect(breaker.admit('a', 15_000)).toBeDefined()
  breaker.succeeded('a')
  expect(breaker.admit('a', 15_000)).toBeDefined()
})

test('a circuit lets one probe pass at a time, however calls from before it opened, or a probe from before it closed, end', () => {
  const breaker = new CircuitBreaker()
  const straggler = leaveOf(breaker.admit('a', 0))
  const open = () => {
    for (let failures = 0; failures < 5; failures++) breaker.failed('a', straggler, 0)
  }
  open()
  const probe = leaveOf(breaker.admit('a', 5_000))
  breaker.undecided('a', straggler)
  expect(breaker.admit('a', 5_001), 'a second probe').toBeUndefined()
  breaker.failed('a', straggler, 5_001)
  expect(breaker.waitMs('a', 5_001), 'its pause is the probe\'s to prolong').toBe(0)
  expect(breaker.admit('a', 5_002)).toBeUndefined()
  breaker.succeeded('a')
  open()
  const second = leaveOf(breaker.admit('a', 5_000))
  breaker.undecided('a', probe)
  expect(breaker.admit('a', 5_003)).toBeUndefined()
  breaker.failed('a', second, 5_003)
  expect(breaker.waitMs('a', 5_003)).toBe(10_000)
})

/** What a call was given to pass with. */
function leaveOf<Leave>(leave: Leave | undefined): Leave {
  if (leave === undefined) throw new Error('The circuit let nothing pass')
  return leave
}

describe('a target\'s health', () => {
  const one = target('one')
  const other = { ...one, upstreamModel: 'other' }

  test('is not spoilt for other orgs, or other models, by answers one org may have provoked', () => {
    const health = new TargetHealth()
    for (let failures = 0; failures < 5; failures++) health.report('mallory', one, leaveOf(health.admit('mallory', one)), 'failed')
    expect(health.admit('mallory', one)).toBeUndefined()
    expect([health.admit('mallory', other), health.admit('alice', one)]).not.toContain(undefined)
    expect(health.waitMs('mallory', one)).toBeGreaterThan(0)
    expect(health.waitMs('alice', one)).toBe(0)
  })

  test('is bad for everybody once its connection cannot be reached, until one gets through', () => {
    const health = new TargetHealth()
    const underWay = leaveOf(health.admit('alice', other))
    for (let failures = 0; failures < 5; failures++) health.report('mallory', one, leaveOf(health.admit('mallory', one)), 'unreachable')
    expect([health.admit('mallory', one), health.admit('alice', other)]).toEqual([undefined, undefined])
    health.report('alice', other, underWay, 'failed')
    expect(health.admit('bob', one)).toBeDefined()
  })
})

describe('where the answer of a stream begins', () => {
  const read = (...chunks: string[]) => {
    const opening = new StreamOpening()
    return chunks.map(chunk => opening.push(Buffer.from(chunk)))
  }
  const overloaded = expect.objectContaining({ message: 'Overloaded' })
  const created = 'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","error":null,"instructions":"Be kind."}}\n\n'

  test.each([
    'data: {"error":{"message":"Overloaded"}}\n\n',
    'data: {"error":"Overloaded"}\n\ndata: [DONE]\n\n',
    'data: {"object":"error","message":"Overloaded","code":500}\n\ndata: [DONE]\n\n',
    ': processing\n\ndata: {"error":"Overloaded"}\n\n',
    'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"Overloaded"}}]}\n\n',
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    'data: {"type":"error","code":"server_error","message":"Overloaded","param":null}\n\n',
    `${created}event: response.failed\ndata: {"type":"response.failed","response":{"id":"resp_1","error":{"code":"server_error","message":"Overloaded"}}}\n\n`
  ])('a failure may come in its place: %j', (stream) => {
    expect(() => read(stream)).toThrow(overloaded)
    const half = Math.floor(stream.length / 2)
    if (/^:|created/.test(stream)) expect(() => read(stream.slice(0, half), stream.slice(half))).toThrow(overloaded)
  })

  test('an end before it is a failure, too', () => {
    for (const stream of ['data: [DONE]\n\n', 'data: {"id":"1","choices":[]}\n\ndata: [DONE]\n\n', ': keep-alive\n\ndata: [DONE]\n\n']) expect(() => read(stream)).toThrow('before it began')
  })

  test.each([
    [': OPENROUTER PROCESSING\n\n'],
    ['data: {"id":"","object":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n'],
    [created],
    ['event: response.in_progress\ndata: {"type":"response.in_progress","response":{}}\n\n'],
    ['event: message_start\ndata: {"type":"message_start","message":{"content":[]}}\n\nevent: ping\ndata: {"type": "ping"}\n\n']
  ])('%j says nothing of it', (head) => {
    const text = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    expect(read(head, head, text)).toEqual([false, false, true])
    expect(read(head + text)).toEqual([true])
    expect(read(head.slice(0, -9), `${head.slice(-9)}${text}`)).toEqual([false, true])
  })

  test.each([
    'data: {"id":"1","choices":[{"delta":{"content":"a"},"error":null}]}\n\ndata: {"error":"Overloaded"}\n\n',
    'data: {"id":"1","choices":[{"delta":{"content":"\\"error\\""}}]}\n\n',
    'data: {"id":"1","choices":[{"delta":{"role":"assistant"}}]}\n\n: keep-alive\n\n',
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hi"}\n\n'
  ])('in %j it does', (stream) => {
    expect(read(stream)).toEqual([true])
  })
})

describe('what a provider asks to be left alone for', () => {
  const [a, b] = [target('a'), target('b')]
  const names = (targets: readonly Target[]) => targets.map(one => one.upstreamModel)

  test('is kept to, for a minute at most', () => {
    const health = new TargetHealth()
    health.restAsked('org', a, 10_000, 0)
    health.restAsked('org', b, 3_600_000, 0)
    const c = target('c')
    expect(names(health.order('org', [a, b, c], 9_999))).toEqual(['c', 'a', 'b'])
    expect(names(health.order('org', [a, b, c], 10_000))).toEqual(['a', 'c', 'b'])
    expect(names(health.order('org', [a, b, c], 60_000))).toEqual(['a', 'b', 'c'])
  })

  test('is of the org that it was told, over that connection', () => {
    const health = new TargetHealth()
    health.restAsked('org', a, 10_000, 0)
    expect(names(health.order('other', [a, b], 1))).toEqual(['a', 'b'])
    expect(names(health.order('org', [{ ...a, connection: b.connection }, b], 1))).toEqual(['a', 'b'])
    expect(names(health.order('org', [a, b], 1))).toEqual(['b', 'a'])
  })
})

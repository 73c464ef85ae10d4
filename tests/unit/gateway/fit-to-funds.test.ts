import { describe, expect, test } from 'vitest'
import type { Price } from '../../../server/billing/price'
import type { Target } from '../../../server/catalog/target'
import { boundCost } from '../../../server/gateway/estimate-cost'
import { fitToFunds } from '../../../server/gateway/fit-to-funds'
import { parseChatRequest } from '../../../server/gateway/operations/chat-completions'
import { openai } from '../../../server/gateway/providers/openai'
import { blankPdf } from '../../support/blank-pdf'
import { lookAt } from '../../support/operation-calls'

/** $1 and $10 per million: a token in costs 1,000 nano-USD, one out 10,000. */
const price: Price = { source: 'test', inputPrice: 1_000_000_000n, outputPrice: 10_000_000_000n }
const target: Target = {
  requestedModel: 'm', connection: { id: 'c', kind: 'openai', name: 'c', baseUrl: null, secret: null, config: {} }, provider: openai, upstreamModel: 'gpt-5', servedModel: 'gpt-5', price, maxOutputTokens: 128_000, contextWindow: 400_000,
  priority: 0, weight: 1, strategy: 'ordered', timeoutMs: null, retries: null
}
const words = 'every good boy does fine '.repeat(2_000)

function ask(body: Record<string, unknown> = {}) {
  const request = parseChatRequest(Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: words }], ...body })))
  return { request, bounds: [{ target, tokens: request.bound(target) }] }
}
const fit = ({ request, bounds }: ReturnType<typeof ask>, available: bigint, charge = (raw: bigint) => raw, told?: number) => fitToFunds(request, bounds, charge, available, lookAt(request, told))
const usd = (dollars: number) => BigInt(Math.round(dollars * 1e9))

describe('a call that the wallet cannot cover at its upper bound', () => {
  test('is held for its counted prompt, when that fits', async () => {
    const call = ask({ max_tokens: 100 })
    const bound = boundCost(call.request.bound(target), price)
    const offer = await fit(call, bound - 1n)
    expect(offer?.maxOutputTokens).toBeUndefined()
    // 10,000 words are some 10,000 tokens, and 50,000 bytes.
    expect(offer?.amount).toBeGreaterThan(10_000n * 1_000n)
    expect(offer?.amount).toBeLessThan(15_000n * 1_000n)
  })

  test('is held for all the answers it asks for, also where its prompt cannot be counted', async () => {
    const elsewhere = [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }]
    const offer = await fit(ask({ messages: elsewhere, n: 16 }), usd(1.2))
    const { maxOutputTokens = 0, amount = 0n } = offer ?? {}
    expect(maxOutputTokens).toBeGreaterThan(0)
    expect(amount).toBeGreaterThanOrEqual(BigInt(maxOutputTokens) * 16n * 10_000n)
  })

  test('is capped at a quarter of what the funds pay, or at a decent answer', async () => {
    for (const dollars of [1.2, 0.5, 0.2, 0.06]) {
      const offer = await fit(ask(), usd(dollars))
      const affordable = Math.floor((dollars * 1e9 - 12_000 * 1_000) / 10_000)
      expect(offer?.amount, String(dollars)).toBeLessThanOrEqual(usd(dollars))
      expect(offer?.maxOutputTokens, String(dollars)).toBeGreaterThanOrEqual(Math.min(4_096, Math.floor(affordable * 0.9)))
      expect(offer?.maxOutputTokens, String(dollars)).toBeLessThanOrEqual(Math.max(4_096, affordable / 4 * 1.1))
    }
  })

  test('counts an image as the model does that a deployment serves, whatever its name', async () => {
    const { request } = ask({ messages: [{ role: 'user', content: [{ type: 'text', text: words }, { type: 'image_url', image_url: { url: 'https://x.example/a.png' } }] }], max_tokens: 10 })
    const tokens = request.bound(target)
    const offerAt = (upstreamModel: string, servedModel: string) => fitToFunds(request, [{ target: { ...target, upstreamModel, servedModel }, tokens }], raw => raw, boundCost(tokens, price) - 1n, lookAt(request))
    expect((await offerAt('vision', 'gpt-4o-mini'))?.amount).toBeGreaterThan(50_000n * 1_000n)
    expect((await offerAt('was-gpt-4o-mini', 'gpt-4o'))?.amount).toBeLessThan(50_000n * 1_000n)
  })

  test('covers every answer asked for', async () => {
    const call = ask({ n: 4 })
    const offer = await fit(call, usd(0.3))
    call.request.limitOutput?.(offer?.maxOutputTokens ?? 0)
    expect(BigInt(call.request.bound(target).outputTokens) * 10_000n).toBeLessThanOrEqual(offer?.amount ?? 0n)
  })

  test('keeps the cap its caller chose, and is refused with it', async () => {
    expect(await fit(ask({ max_tokens: 100_000 }), usd(0.5))).toBeUndefined()
  })

  test.each([0n, 1n, usd(0.001), usd(0.0125)])('is refused when %d nano-USD pay for no answer worth having', async (available) => {
    expect(await fit(ask(), available)).toBeUndefined()
  })

  test('is fitted at what the org is charged', async () => {
    const offer = await fit(ask(), usd(0.06), raw => raw * 2n)
    expect(offer?.amount).toBeLessThanOrEqual(usd(0.06))
    expect(offer?.maxOutputTokens).toBeLessThan((await fit(ask(), usd(0.06)))?.maxOutputTokens ?? 0)
  })

  test('keeps the bound of a prompt too long to count', async () => {
    const call = ask({ messages: [{ role: 'user', content: 'word '.repeat(100_000) }], max_tokens: 10 })
    expect(await fit(call, boundCost(call.request.bound(target), price) - 1n)).toBeUndefined()
  })

  test('is held for what its provider tells of a PDF, with a margin, and for all of the window where that tells nothing', async () => {
    const pdf = ask({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: blankPdf(3) } }] }], max_tokens: 10 })
    const fitPdf = (told?: number) => fit(pdf, usd(0.02), raw => raw, told)
    expect((await fitPdf(10_000))?.amount).toBe((11_000n + 200n) * 1_000n + 10n * 10_000n)
    expect(await fitPdf(100_000)).toBeUndefined()
    expect(await fitPdf()).toBeUndefined()
  })

  test('is held for what its provider tells of its words, where our count of them is refused; whom no count could help, is not asked for one', async () => {
    const claude = { ...target, connection: { ...target.connection, kind: 'anthropic' as const } }
    const { request } = ask({ max_tokens: 10 })
    const bounds = [{ target: claude, tokens: request.bound(claude) }]
    let asked = 0
    const offer = (available: bigint, told = 10_000) => fitToFunds(request, bounds, raw => raw, available, { ...lookAt(request), theirs: () => Promise.resolve((asked++, told)) })
    expect((await offer(usd(0.05)))?.amount).toBeGreaterThan(20_000n * 1_000n)
    expect(asked).toBe(0)
    expect((await offer(usd(0.015)))?.amount).toBe((11_000n + 200n) * 1_000n + 10n * 10_000n)
    expect(asked).toBe(1)
    expect(await offer(usd(0.015), 30_000)).toBeUndefined()
    expect(await offer(usd(0.005))).toBeUndefined()
    expect(asked).toBe(2)
  })

  test.each([
    ['that marks none of it for a cache is held for what tokens cost that are read, at Anthropic', 'anthropic', {}, 1_000n],
    ['that marks some of it is held for what a cache costs', 'anthropic', { cache_control: { type: 'ephemeral' } }, 2_000n],
    ['elsewhere is held for what a cache costs', 'openai', {}, 2_000n]
  ] as const)('%s', async (_what, kind, mark, perToken) => {
    const { request } = ask({ messages: [{ role: 'user', content: [{ type: 'text', text: words, ...mark }] }], max_tokens: 10 })
    const at = { ...target, connection: { ...target.connection, kind }, price: { ...price, cacheWritePrice: 1_250_000_000n, longCacheWritePrice: 2_000_000_000n } }
    const tokens = request.bound(at)
    const counted = await request.countClosely?.()
    const most = Math.ceil((counted?.tokens ?? 0) * (kind === 'openai' ? 1.1 : 2)) + 200
    expect((await fitToFunds(request, [{ target: at, tokens }], raw => raw, boundCost(tokens, at.price) - 1n, lookAt(request)))?.amount).toBe(BigInt(most) * perToken + 10n * 10_000n)
  })

  test('a mark for a cache may be written in escapes', async () => {
    const raw = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: words, cache_control: { type: 'ephemeral' } }] }], max_tokens: 10 }).replace('cache_control', 'cache\\u005fcontrol')
    const request = parseChatRequest(Buffer.from(raw))
    const at = { ...target, connection: { ...target.connection, kind: 'anthropic' as const }, price: { ...price, cacheWritePrice: 1_250_000_000n } }
    const tokens = request.bound(at)
    expect((await fitToFunds(request, [{ target: at, tokens }], value => value, boundCost(tokens, at.price) - 1n, lookAt(request)))?.amount).toBeGreaterThan(25_000n * 1_000n)
  })

  test('is no cheaper for what a provider tells of its body where more is read', async () => {
    const elsewhere = ask({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }], max_tokens: 10 })
    expect(await fit(elsewhere, usd(0.02), raw => raw, 10)).toBeUndefined()
  })

  test('counts whatever else a message carries', async () => {
    const hidden = ask({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'u' }, note: words }] }], max_tokens: 10 })
    expect((await fit(hidden, usd(0.04)))?.amount).toBeGreaterThan(10_000n * 1_000n)
  })
})

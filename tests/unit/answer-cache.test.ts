import pino from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Database } from '../../db/client'
import { AnswerCache } from '../../server/cache/answer-cache'
import type { AnswerStore } from '../../server/cache/answer-store'
import { sealPacked } from '../../server/cache/seal-answer'
import { openKeyring } from '../../server/crypto/keyring'
import { createMetrics } from '../../server/operations/metrics'

const owner = { orgId: '0190aaaa-0000-7000-8000-000000000001', encryptionSalt: Buffer.alloc(16), encryptionKeyVersion: 1 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: 'ab'.repeat(32), LOOM_DATA_DIR: '/nonexistent' })

function openCache(get: AnswerStore['get'], query: Database['query'] = async () => []) {
  const asked = vi.fn(get)
  const store: AnswerStore = { get: asked, generation: async orgId => (await asked(orgId, '')).generation, set: async () => {}, purge: async () => {} }
  return { asked, cache: new AnswerCache({ db: { query }, store, keyring, metrics: createMetrics(), log: pino({ level: 'silent' }) }) }
}

test('a store that hangs is not asked for a second, so that not every call waits for it', async () => {
  const { asked, cache } = openCache(() => Promise.reject(new Error('Command timed out')))
  for (let call = 0; call < 3; call++) expect(await cache.find(owner, 'a question', 60)).toEqual({ answer: undefined, generation: undefined })
  expect(await cache.generation(owner)).toBeUndefined()
  expect(asked).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(1_000)
  await cache.find(owner, 'a question', 60)
  expect(asked).toHaveBeenCalledTimes(2)
})

test('an answer that cannot be opened is none, and the store goes on being asked', async () => {
  const { asked, cache } = openCache(async () => ({ value: Buffer.from('no sealed answer, but as long as one would be'), generation: 3n }))
  for (let call = 0; call < 2; call++) expect(await cache.find(owner, 'a question', 60)).toEqual({ answer: undefined, generation: 3n })
  expect(asked).toHaveBeenCalledTimes(2)
})

test.each([
  ['is there still', async () => [{}], true],
  ['was deleted since', async () => [], false],
  ['cannot be looked up', () => Promise.reject(new Error('connection lost')), false]
])('an answer whose data key %s', async (_, query, isGiven) => {
  const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  const head = { storedAtMs: Date.now(), connectionId: 'c', upstreamModel: 'm', headers: {}, usage }
  const value = sealPacked(keyring.forOrg(owner.orgId, owner.encryptionSalt), `cache:${owner.orgId}:a question`, head, Buffer.from('an answer'))
  const { cache } = openCache(async () => ({ value, generation: 3n }), query)
  expect(await cache.find(owner, 'a question', 60)).toEqual({ answer: isGiven ? { head, body: Buffer.from('an answer') } : undefined, generation: 3n })
})

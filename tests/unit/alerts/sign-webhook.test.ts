import { expect, test } from 'vitest'
import { MAX_ATTEMPTS, retryDelayMs } from '../../../server/alerts/retry-delay'
import { generateWebhookSecret, signWebhook } from '../../../server/alerts/sign-webhook'

test('a request is signed as Standard Webhooks say', () => {
  // Source: the test vector of the specification's reference libraries.
  const headers = signWebhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'msg_p5jXN8AQM9LWM0D4loKWxJek', new Date(1_614_265_330_000), '{"test": 2432232314}')
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
  })
})

test('each secret is another 256 bits', () => {
  const secrets = Array.from({ length: 20 }, generateWebhookSecret)
  expect(new Set(secrets).size).toBe(20)
  for (const secret of secrets) expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32)
})

test('pauses between attempts grow, the first is longer than an attempt may take, and they add up to a day', () => {
  const delays = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => retryDelayMs(index + 1))
  expect(delays).toEqual(delays.toSorted((a, b) => a - b))
  expect(delays[0]).toBeGreaterThan(20_000)
  expect(delays.reduce((sum, delay) => sum + delay, 0) / 3_600_000).toBeGreaterThan(20)
})

import { expect, test } from 'vitest'
import { createMetrics, statusLabel } from '../../server/operations/metrics'

test('an upstream that answers with every status there is makes a handful of labels', async () => {
  const metrics = createMetrics()
  for (let status = 100; status < 1_000; status++) metrics.requests.inc({ endpoint: 'chat.completions', provider: 'openai-compatible', status: statusLabel(status) })
  const { values } = await metrics.requests.get()
  expect(values.length).toBeLessThan(30)
  expect(values.map(({ labels }) => labels.status)).toEqual(expect.arrayContaining(['200', '401', '429', '502', '4xx', '5xx']))
})

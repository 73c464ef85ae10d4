import { expect, test } from 'vitest'
import { providers } from '../../../server/gateway/providers/registry'

const many = (count: number) => Array.from({ length: count }, (_, index) => `model-${index}`)
const deployments = (count: number) => Object.fromEntries(many(count).map(name => [name, 'gpt-4o']))
const long = 'x'.repeat(257)

test.each([
  ['azure', { deployments: deployments(1_001) }],
  ['azure', { deployments: { fine: long } }],
  ['azure', { deployments: { [long]: 'gpt-4o' } }],
  ['openai', { organization: long }],
  ['openai', { project: long }],
  ...(['openai', 'openai-compatible', 'anthropic', 'google'] as const).flatMap(kind => [[kind, { models: [long] }] as const, [kind, { models: many(1_001) }] as const])
] as const)('%s: a connection offers no more models than a list can hold, by no longer names than a call can', (kind, config) => {
  expect(providers[kind].Config.safeParse(config).success).toBe(false)
})

test('and as many as that', () => {
  expect(providers.azure.Config.safeParse({ deployments: deployments(1_000) }).success).toBe(true)
  expect(providers.openai.Config.safeParse({ models: many(1_000), organization: 'org-1', project: 'proj_1' }).success).toBe(true)
})

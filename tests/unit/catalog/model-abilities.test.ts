import { expect, test } from 'vitest'
import { abilitiesOf } from '../../../server/catalog/model-abilities'

test.each([
  ['openai', 'gpt-4o-mini', { vision: true, tools: true, reasoning: false }],
  ['openai', 'gpt-5-mini', { vision: true, tools: true, reasoning: true }],
  ['openai', 'gpt-5-chat-latest', { vision: true, tools: true, reasoning: false }],
  ['openai', 'o3-mini', { vision: false, tools: true, reasoning: true }],
  ['openai', 'o1-mini', { vision: false, tools: false, reasoning: true }],
  ['openai', 'chatgpt-4o-latest', { vision: true, tools: false, reasoning: false }],
  ['openai', 'gpt-3.5-turbo', { vision: false, tools: true, reasoning: false }],
  ['anthropic', 'claude-3-5-haiku-20241022', { vision: true, tools: true, reasoning: false }],
  ['anthropic', 'claude-sonnet-4-5', { vision: true, tools: true, reasoning: true }],
  ['google', 'gemini-2.5-flash', { vision: true, tools: true, reasoning: true }],
  ['google', 'gemini-1.5-pro', { vision: true, tools: true, reasoning: false }],
  ['openai-compatible', 'deepseek-reasoner', { vision: false, tools: undefined, reasoning: true }],
  ['openai-compatible', 'Qwen/Qwen2.5-VL-72B-Instruct', { vision: true, tools: true, reasoning: false }],
  ['openai-compatible', 'meta-llama/llama-3.1-8b-instruct', { vision: undefined, tools: true, reasoning: false }],
  ['openai-compatible', 'llama-3.2-11b-vision', { vision: true, tools: true, reasoning: false }],
  ['demo', 'demo-reasoning', { vision: false, tools: true, reasoning: true }]
] as const)('%s says of %s what it can do', (kind, model, abilities) => {
  expect(abilitiesOf(kind, model)).toEqual(abilities)
})

test('of a model whose name tells nothing nothing is claimed', () => {
  expect(abilitiesOf('openai-compatible', 'house-model')).toEqual({ vision: undefined, tools: undefined, reasoning: undefined })
})

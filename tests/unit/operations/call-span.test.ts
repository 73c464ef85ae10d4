import { expect, test } from 'vitest'
import { providerName } from '../../../server/operations/provider-name'
import { readAnswerHead } from '../../../server/operations/read-answer-head'

test.each([
  ['openai', null, 'openai'],
  ['azure', 'https://loom.openai.azure.com', 'azure.ai.openai'],
  ['anthropic', null, 'anthropic'],
  ['google', null, 'gcp.gemini'],
  ['openai-compatible', 'https://api.groq.com/openai/v1', 'groq'],
  ['openai-compatible', 'https://api.mistral.ai/v1', 'mistral_ai'],
  ['openai-compatible', 'https://api.deepseek.com', 'deepseek'],
  ['openai-compatible', 'https://api.x.ai/v1', 'x_ai'],
  ['openai-compatible', 'https://api.perplexity.ai', 'perplexity'],
  ['openai-compatible', 'https://api.moonshot.ai/v1', 'moonshot_ai'],
  ['openai-compatible', 'https://api.cohere.ai/compatibility/v1', 'cohere'],
  ['openai-compatible', 'https://generativelanguage.googleapis.com/v1beta/openai', 'gcp.gemini'],
  ['openai-compatible', 'https://openrouter.ai/api/v1', 'openrouter'],
  ['openai-compatible', 'http://localhost:11434/v1', 'openai-compatible'],
  ['demo', null, 'demo']
] as const)('OpenTelemetry knows %s at %s as %s', (kind, baseUrl, name) => {
  expect(providerName({ kind, baseUrl })).toBe(name)
})

test.each([
  [{ id: 'chatcmpl-1', model: 'gpt-4o-2024-08-06', choices: [{ finish_reason: 'stop' }, { finish_reason: 'length' }] }, { id: 'chatcmpl-1', model: 'gpt-4o-2024-08-06', finishReasons: ['stop', 'length'] }],
  [{ id: 'msg_1', model: 'claude-sonnet-4-5-20250929', stop_reason: 'end_turn' }, { id: 'msg_1', model: 'claude-sonnet-4-5-20250929', finishReasons: ['end_turn'] }],
  [{ id: 'resp_1', model: 'gpt-5', output: [] }, { id: 'resp_1', model: 'gpt-5', finishReasons: undefined }],
  [{ id: 7, model: null, choices: 'none' }, { id: undefined, model: undefined, finishReasons: undefined }],
  [[], {}]
])('an answer tells its id, its model and why it ended: %j', (answer, told) => {
  expect(readAnswerHead(Buffer.from(JSON.stringify(answer)))).toEqual(told)
})

test('what is no answer, or is long, tells nothing', () => {
  for (const body of [null, Buffer.from('RIFF'), Buffer.from(JSON.stringify({ id: 'long', text: 'x'.repeat(1024 * 1024) }))]) expect(readAnswerHead(body)).toEqual({})
})

import { describe, expect, test } from 'vitest'
import { readDialogue } from '../../../shared/read-dialogue'
import { toCurl } from '../../../app/utils/to-curl'
import { timelineOf } from '../../../app/utils/trace-timeline'
import { t } from '../../support/translate'

describe('what was said is read from', () => {
  test('chat completions, with their tools', () => {
    const request = { messages: [{ role: 'system', content: 'Be brief' }, { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'image_url' }] }] }
    const response = { choices: [{ message: { role: 'assistant', content: null, tool_calls: [{ id: '1' }] } }] }
    expect(readDialogue(JSON.stringify(request), JSON.stringify(response))).toEqual([
      { role: 'system', text: 'Be brief' }, { role: 'user', text: 'Hi\n\n[image_url]' }, { role: 'assistant', text: '{\n  "id": "1"\n}' }
    ])
  })

  test('messages and responses', () => {
    expect(readDialogue(JSON.stringify({ system: 'S', messages: [{ role: 'user', content: 'Hi' }] }), JSON.stringify({ role: 'assistant', content: [{ type: 'text', text: 'Hello' }] })))
      .toEqual([{ role: 'system', text: 'S' }, { role: 'user', text: 'Hi' }, { role: 'assistant', text: 'Hello' }])
    expect(readDialogue(JSON.stringify({ input: 'Hi', messages: [] }), JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'Hello' } }] })))
      .toEqual([{ role: 'user', text: 'Hi' }, { role: 'assistant', text: 'Hello' }])
    expect(readDialogue(JSON.stringify({ input: 'Hi' }), JSON.stringify({ output: [{ content: [{ type: 'output_text', text: 'Hello' }] }] })))
      .toEqual([{ role: 'user', text: 'Hi' }, { role: 'assistant', text: 'Hello' }])
  })

  test.each([[null], ['not json'], ['[]'], ['{"messages":"no"}'], ['null']])('nothing of %j', (request) => {
    expect(readDialogue(request, '{}')).toBeUndefined()
  })
})

test('a call for a terminal cannot break out of its quotes', () => {
  expect(toCurl({ endpoint: 'chat.completions', requestBody: `{"a":"it's; rm -rf /"}` }, 'https://loom.example'))
    .toBe(`curl 'https://loom.example/v1/chat/completions' \\\n  -H "authorization: Bearer $LOOM_API_KEY" \\\n  -H 'content-type: application/json' \\\n  -d '{"a":"it'\\''s; rm -rf /"}'`)
  expect(toCurl({ endpoint: 'embeddings', requestBody: null }, 'https://loom.example')).toBeUndefined()
})

test('a call with files for a terminal is a form, in which they are named', () => {
  const record = { 'model': 'm', 'prompt': '@it\'s', 'image[]': [{ file_name: 'cat.png', bytes: 5 }, { file_name: '/etc/my "hat.png', bytes: 5 }], 'models[]': ['a', 'b'] }
  expect(toCurl({ endpoint: 'images.edits', requestBody: JSON.stringify(record) }, 'https://loom.example')).toBe([
    'curl \'https://loom.example/v1/images/edits\'', '-H "authorization: Bearer $LOOM_API_KEY"', '--form-string \'model=m\'', '--form-string \'prompt=@it\'\\\'\'s\'',
    '-F \'image[]=@"cat.png"\'', '-F \'image[]=@"my hat.png"\'', '--form-string \'models[]=a\'', '--form-string \'models[]=b\''
  ].join(' \\\n  '))
  const named = JSON.stringify({ model: 'm', n: 2, images: [{ image_url: 'https://pictures.example/cat.png' }, { file_id: 'file-hat' }] })
  expect(toCurl({ endpoint: 'images.edits', requestBody: named }, 'https://loom.example')).toContain(`-H 'content-type: application/json' \\\n  -d '${named}'`)
  for (const requestBody of ['', 'null', '[]', '{"model":']) expect(toCurl({ endpoint: 'audio.translations', requestBody }, 'https://loom.example')).toBeUndefined()
})

describe('a timeline', () => {
  const trace = {
    id: '', createdAt: '', endpoint: '', requestedModel: '', model: '', provider: '', statusCode: 200, errorType: null, isStream: true, cache: 'none', latencyMs: 1_000, ttfbMs: 300, gatewayOverheadMs: 5,
    inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0, costNanoUsd: '0', projectId: null, apiKeyId: null, userId: null, conversationId: null, bodiesErased: false, requestBody: null, responseBody: null, tags: {}, steps: null
  }
  const attempt = (error: string | null, latencyMs: number) => ({ connection: 'c', provider: 'p', model: 'm', status: error ? 500 : 200, error, latencyMs })

  test('goes from our own part over failed attempts to the end, without gaps', () => {
    const steps = timelineOf({ ...trace, attempts: [attempt('upstream_error', 100), attempt(null, 800)] }, t)
    expect(steps.map(({ label }) => label)).toEqual(['Authentication, policy, hold', 'c, m', 'c, to the first byte', 'Answer, capture'])
    for (const [index, step] of steps.entries()) expect(step.startMs).toBe(index === 0 ? 0 : steps[index - 1]?.endMs)
    expect(steps.at(-1)?.endMs).toBe(1_000)
  })

  test('tells each step of our own part and the capture, where they were kept', () => {
    const at = { auth: 0.4, read: 0.6, policy: 1, hold: 3, attempt: 3.2, first_byte: 300, end: 995, capture: 998 }
    const steps = timelineOf({ ...trace, attempts: [attempt('upstream_error', 100), attempt(null, 800)], steps: { at, decisions: [] } }, t)
    expect(steps.map(({ label }) => label)).toEqual(['Authentication', 'Request read', 'Policy', 'Hold', 'Routing', 'c, m', 'c, to the first byte', 'Answer', 'Capture'])
    for (const [index, step] of steps.entries()) expect(step.startMs, step.label).toBe(index === 0 ? 0 : steps[index - 1]?.endMs)
    expect(steps.at(-1)?.endMs).toBe(998)
  })

  test('of a call that got no further ends with why', () => {
    expect(timelineOf({ ...trace, statusCode: 429, latencyMs: 2, attempts: [], steps: { at: { auth: 0.5, read: 1, capture: 2 }, decisions: [] } }, t).at(-1)).toEqual({ label: 'Refused', startMs: 1, endMs: 2, isFailed: true })
    expect(timelineOf({ ...trace, latencyMs: 2, attempts: [], cache: 'hit', steps: { at: { policy: 1, capture: 2 }, decisions: [] } }, t).at(-1)).toEqual({ label: 'Answered from the cache', startMs: 1, endMs: 2, isFailed: false })
  })

  test('of a refused call from before that is all ours, and failed', () => {
    expect(timelineOf({ ...trace, statusCode: 403, latencyMs: 4, attempts: [] }, t)).toEqual([{ label: 'Authentication, policy, hold', startMs: 0, endMs: 4, isFailed: true }])
  })
})

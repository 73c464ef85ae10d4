import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { requestCode } from '../../app/utils/request-code'
import type { AnswerRequest } from '../../shared/answers'

const request: AnswerRequest = {
  model: 'openai/gpt-4o',
  messages: [{ role: 'system', content: 'It\'s "$HOME" & `id`; \\ $(id)' }, { role: 'user', content: 'Zeile 1\nZeile 2 ü👩‍🚀' }],
  stream: true
}

describe('a call as code', () => {
  test('for curl sends exactly that call, whatever its text holds', () => {
    const printed = execFileSync('sh', ['-c', `curl() { for last; do :; done; printf %s "$last"; }\n${requestCode.curl('https://loom.example', request)}`], { encoding: 'utf8' })
    expect(JSON.parse(printed)).toEqual(request)
  })

  test('never holds a key: each language reads it from LOOM_API_KEY', () => {
    for (const code of Object.values(requestCode)) expect(code('https://loom.example', request)).toContain('LOOM_API_KEY')
  })

  test('for JavaScript makes exactly that call', () => {
    const code = requestCode.javascript('https://loom.example', request)
    const literal = code.slice(code.indexOf('create(') + 'create('.length, code.indexOf(')\nfor await'))
    expect(JSON.parse(literal)).toEqual(request)
    expect(code).toContain('https://loom.example/v1')
  })

  test('for Python names the messages as they are', () => {
    const code = requestCode.python('https://loom.example', request)
    const literal = code.slice(code.indexOf('messages=') + 'messages='.length, code.indexOf(',\n    stream=True'))
    expect(JSON.parse(literal)).toEqual(request.messages)
  })

  test('for Python carries every parameter, and nothing that is not Python', () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'calculate', arguments: '{"expression":null}' } } as const
    const code = requestCode.python('https://loom.example', {
      ...request, messages: [{ role: 'assistant', content: null, tool_calls: [call] }], temperature: 0, top_p: 0.9, max_tokens: 512, reasoning_effort: 'high'
    })
    expect(code).toContain('],\n    temperature=0,\n    top_p=0.9,\n    max_tokens=512,\n    reasoning_effort="high",\n    stream=True,\n)')
    const literal = code.slice(code.indexOf('messages=') + 'messages='.length, code.indexOf(',\n    temperature=0'))
    expect(JSON.parse(literal)).toEqual([{ role: 'assistant', tool_calls: [call] }])
  })
})

import { expect, test } from 'vitest'
import { embeddings } from '../../../server/gateway/operations/embeddings'
import { noUsage } from '../../../server/gateway/usage'
import { parseCall } from '../../support/operation-calls'

const vector = [0.5, -1.25, 3]
const usage = { prompt_tokens: 2, total_tokens: 2 }
const answerOf = (embedding: unknown, rest: object = { usage }) => Buffer.from(JSON.stringify({ object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding }, { object: 'embedding', index: 1, embedding }], ...rest }))
const given = (body: object, answer: Buffer) => parseCall(embeddings, { model: 'm', input: ['a', 'b'], ...body }).readAnswer(answer, {}).finish({ ...noUsage, inputTokens: 7 })

test('vectors that a server answers in numbers though it was asked for base64, as OpenAI\'s SDK does unseen, are given in base64', () => {
  const answer = JSON.parse(given({ encoding_format: 'base64' }, answerOf(vector)).toString())
  expect(answer).toMatchObject({ object: 'list', model: 'm', usage, data: [{ object: 'embedding', index: 0 }, { index: 1 }] })
  for (const { embedding } of answer.data) expect([...new Float32Array(new Uint8Array(Buffer.from(embedding, 'base64')).buffer)]).toEqual(vector)
  expect(JSON.parse(given({ encoding_format: 'base64' }, answerOf(vector, {})).toString())).toMatchObject({ data: [{ embedding: expect.any(String) }, {}], usage: { prompt_tokens: 7 } })
})

test('vectors are given byte for byte as they came where they are as asked for, or are no vectors', () => {
  for (const [body, embedding] of [[{}, vector], [{ encoding_format: 'float' }, vector], [{ encoding_format: 'base64' }, 'AAAAPwAAoL8AAEBA'], [{ encoding_format: 'base64' }, { sparse: [1] }]] as const) {
    const bytes = answerOf(embedding)
    expect(given(body, bytes)).toBe(bytes)
  }
})

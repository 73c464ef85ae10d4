import { expect, test } from 'vitest'
import { embeddings } from '../../../server/gateway/operations/embeddings'
import { toEmbeddingList } from '../../../server/gateway/providers/google-embeddings'
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

test('vectors of Gemini\'s that are cut short are of length 1, as OpenAI\'s are; whole ones come as they are', () => {
  const vectors = JSON.stringify({ embeddings: [{ values: [0.3, 0.4] }, { values: [0, 0] }] })
  const list = (body: object) => toEmbeddingList(vectors, { body: { input: ['a', 'b'], ...body }, upstreamModel: 'gemini-embedding-001', stream: false })
  expect(list({ dimensions: 2 })).toMatchObject({ data: [{ embedding: [expect.closeTo(0.6), expect.closeTo(0.8)] }, { embedding: [0, 0] }] })
  expect(list({})).toMatchObject({ data: [{ embedding: [0.3, 0.4] }, {}] })
})

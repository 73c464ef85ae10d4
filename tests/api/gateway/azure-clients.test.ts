import OpenAI, { AzureOpenAI, toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'

let gateway: GatewayUnderTest
let key: string
/** As an Azure user has it, but for the endpoint. */
let client: AzureOpenAI

beforeAll(async () => {
  gateway = await openGateway()
  key = (await gateway.createKey()).key
  client = azure()
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'own', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret })
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const azure = (rest: { deployment?: string } = {}) => new AzureOpenAI({ endpoint: gateway.loom.url, apiKey: key, apiVersion: '2024-10-21', maxRetries: 0, ...rest })
const messages = [{ role: 'user' as const, content: 'Hello' }]

describe('Azure\'s SDK finds at another address what it is used to', () => {
  test('chat, whole and streamed, the deployment being the model', async () => {
    gateway.upstream.respondWith({ text: 'Good day' }, { times: 2 })
    const completion = await client.chat.completions.create({ model, messages })
    expect(completion.choices[0]?.message.content).toBe('Good day')
    const streamed = await client.chat.completions.stream({ model, messages }).finalChatCompletion()
    expect(streamed.choices[0]?.message.content).toBe('Good day')
    expect((await gateway.upstream.received(2)).json).toMatchObject({ model })
  })

  test('a deployment of the client, whatever the body calls the model', async () => {
    await azure({ deployment: model }).chat.completions.create({ model: '', messages })
    expect((await gateway.upstream.received()).json).toMatchObject({ model })
  })

  test('responses and completions, whole and streamed', async () => {
    gateway.upstream.respondWith({ text: 'Good day' }, { times: 4 })
    const response = await client.responses.create({ model, input: 'Hello' })
    expect(response.output_text).toBe('Good day')
    const responding = await client.responses.create({ model, input: 'Hello', stream: true })
    const types: string[] = []
    for await (const event of responding) types.push(event.type)
    expect(types.at(-1)).toBe('response.completed')
    const completion = await client.completions.create({ model, prompt: 'Hello' })
    expect(completion.choices[0]?.text).toBe('Good day')
    let text = ''
    for await (const chunk of await client.completions.create({ model, prompt: 'Hello', stream: true })) text += chunk.choices[0]?.text ?? ''
    expect(text).toBe('Good day')
    expect(gateway.upstream.requests.map(({ json }) => json.model)).toEqual([model, model, model, model])
  })

  test('embeddings, pictures, edits, speech, transcripts and translations', async () => {
    expect((await client.embeddings.create({ model: 'text-embedding-3-small', input: 'a' })).data[0]?.embedding).toEqual([1, 0, 0.5])
    expect((await client.images.generate({ model: 'gpt-image-1', prompt: 'a' })).data).toHaveLength(1)
    gateway.upstream.respondWith({ text: 'spoken' })
    expect(await (await client.audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'a' })).text()).toBe('spoken')
    gateway.upstream.respondWith({ text: 'heard' })
    const file = await toFile(Buffer.from('sound'), 'a.wav')
    expect((await client.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file })).text).toBe('heard')
    expect((await gateway.upstream.received(4)).json).toMatchObject({ model: 'gpt-4o-transcribe', file: { bytes: 5 } })
    gateway.upstream.respondWith({ text: 'heard' })
    expect((await client.audio.translations.create({ model: 'whisper-1', file })).text).toBe('heard')
    expect(await gateway.upstream.received(5)).toMatchObject({ path: '/v1/audio/translations', json: { model: 'whisper-1', file: { bytes: 5 } } })
    expect((await client.images.edit({ model: 'gpt-image-1', image: file, prompt: 'a' })).data).toHaveLength(1)
    expect(await gateway.upstream.received(6)).toMatchObject({ path: '/v1/images/edits', json: { model: 'gpt-image-1', prompt: 'a', image: { bytes: 5 } } })
  })

  test('moderations, with a model and without', async () => {
    for (const named of [{ model: 'omni-moderation-latest' }, {}]) {
      const { results } = await client.moderations.create({ ...named, input: ['good', 'bad'] })
      expect(results.map(({ flagged }) => flagged)).toEqual([false, true])
    }
    expect((await gateway.upstream.received(2)).json).toMatchObject({ model: 'omni-moderation-latest' })
  })

  test('the list of models', async () => {
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toContain(model)
    expect(await client.models.retrieve(model)).toMatchObject({ id: model })
  })

  test('errors as its own class', async () => {
    await expect(client.chat.completions.create({ model: 'nope', messages })).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    await expect(new AzureOpenAI({ endpoint: gateway.loom.url, apiKey: 'wrong', apiVersion: '2024-10-21', maxRetries: 0 }).chat.completions.create({ model, messages })).rejects.toMatchObject({ status: 401 })
  })
})

test('the v1 API of Azure works with OpenAI\'s own client and the api-key header', async () => {
  const plain = new OpenAI({ baseURL: `${gateway.loom.url}/openai/v1`, apiKey: 'unused', defaultHeaders: { 'Authorization': null, 'api-key': key }, maxRetries: 0 })
  expect(await plain.chat.completions.create({ model, messages })).toMatchObject({ object: 'chat.completion' })
  expect((await plain.models.list()).data.length).toBeGreaterThan(0)
})

describe('a path of Azure\'s', () => {
  const post = async (path: string, body: BodyInit, headers: Record<string, string> = {}) => {
    const response = await fetch(`${gateway.loom.url}${path}`, { method: 'POST', headers: { 'api-key': key, 'content-type': 'application/json', ...headers }, body })
    return { status: response.status, text: await response.text() }
  }
  const chat = JSON.stringify({ messages })

  test('names the model, over what the body says', async () => {
    const other = JSON.stringify({ model: 'demo', messages })
    expect((await post(`/openai/deployments/mock%2F${model}/chat/completions?api-version=2024-10-21`, other)).status).toBe(200)
    expect((await gateway.upstream.received()).json).toMatchObject({ model })
  })

  test.each([['responses', { input: 'Hello' }, 'response'], ['completions', { prompt: 'Hello' }, 'text_completion']])('leads to %s, the deployment being the model', async (operation, body, object) => {
    const answer = await post(`/openai/deployments/${model}/${operation}?api-version=2025-03-01-preview`, JSON.stringify(body))
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ object })
    expect((await gateway.upstream.received()).json).toMatchObject({ model })
    const streamed = await post(`/openai/deployments/${model}/${operation}?api-version=2025-03-01-preview`, JSON.stringify({ ...body, stream: true }))
    expect(streamed.text).toMatch(/^(?:event: \S+\n)?data: \{/)
  })

  test.each([
    ['moderations', 'omni-moderation-latest', { input: ['good', 'bad'] }, { results: [{ flagged: false }, { flagged: true }] }],
    ['rerank', 'own/reranker', { query: 'cats', documents: ['dogs', 'cats'] }, { results: [{ index: expect.any(Number), relevance_score: expect.any(Number) }, {}] }],
    ['messages', model, { messages, max_tokens: 10 }, { type: 'message', role: 'assistant' }],
    ['messages/count_tokens', model, { messages }, { input_tokens: expect.any(Number) }]
  ])('leads to %s, which Azure has elsewhere, too', async (operation, deployment, body, answer) => {
    const { status, text } = await post(`/openai/deployments/${encodeURIComponent(deployment)}/${operation}?api-version=2024-10-21`, JSON.stringify({ ...body, model: 'demo' }))
    expect({ status, body: JSON.parse(text) }).toMatchObject({ status: 200, body: answer })
    if (operation !== 'messages/count_tokens') expect((await gateway.upstream.received()).json).toMatchObject({ model: deployment.split('/').at(-1) })
  })

  test.each([['messages', { messages, max_tokens: 10 }], ['messages/count_tokens', { messages }]])('of %s refuses in Anthropic\'s format', async (operation, body) => {
    const { status, text } = await post(`/openai/deployments/nope/${operation}`, JSON.stringify(body))
    expect(status).toBe(404)
    expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'not_found_error', message: expect.any(String) } })
  })

  test('is bound by the key\'s models, as any other', async () => {
    const { key: narrow } = await gateway.createKey({ allowedModels: ['demo'] })
    expect(await post(`/openai/deployments/${model}/chat/completions`, JSON.stringify({ model: 'demo', messages }), { 'api-key': narrow })).toMatchObject({ status: 403 })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('names the model of a form that has none, and over one that has', async () => {
    const part = (name: string, value: string, rest = '') => `--form-boundary\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n${value}\r\n`
    const file = part('file', 'sound', '; filename="a.wav"')
    for (const form of [`${file}--form-boundary--\r\n`, `${file}${part('model', 'demo')}--form-boundary--\r\n`]) {
      gateway.upstream.reset()
      expect(await post('/openai/deployments/gpt-4o-transcribe/audio/transcriptions?api-version=1', form, { 'content-type': 'multipart/form-data; boundary=form-boundary' })).toMatchObject({ status: 200 })
      expect((await gateway.upstream.received()).json).toMatchObject({ model: 'gpt-4o-transcribe', file: { bytes: 5 } })
    }
  })

  test.each([
    ['a bad escape', '/openai/deployments/%E0%A4/chat/completions', 404],
    ['no such operation', '/openai/deployments/x/fine_tuning/jobs', 404],
    ['no operation at all', '/openai/deployments/x/', 404],
    ['an operation of Azure\'s that is none here', '/openai/deployments/x/images/variations', 404],
    ['a path of ours that calls no model', '/openai/deployments/x/policy/check', 404],
    ['a NUL in the name', '/openai/deployments/a%00b/chat/completions', 400]
  ])('with %s is refused in the OpenAI format', async (_, path, status) => {
    const answer = await post(path, chat)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toMatchObject({ error: { message: expect.any(String) } })
  })

  test.each(['', '[1]', '"x"', '{"messages":'])('with the body %j is a bad request', async (body) => {
    expect((await post(`/openai/deployments/${model}/chat/completions`, body)).status).toBe(400)
  })
})

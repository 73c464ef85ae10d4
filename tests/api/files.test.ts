import { request } from 'node:http'
import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AnswerRequest } from '../../shared/answers'
import { Conversation } from '../../shared/conversations'
import { Project, ProjectPage } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { FileClient, PIXEL } from '../support/file-client'
import { mock, newConversation, quickModel, readMessages, startChatWorkbench } from '../support/chat-workbench'
import type { ChatWorkbench } from '../support/chat-workbench'
import type { Session } from '../support/set-up-loom'
import { admin, signIn } from '../support/set-up-loom'
import { until } from '../support/until'

const MIB = 1024 * 1024
let workbench: ChatWorkbench
let ada: ChatClient
let files: FileClient
let session: Session

beforeAll(async () => {
  workbench = await startChatWorkbench({ MAX_FILE_BYTES: String(2 * MIB) })
  ada = workbench.ada
  session = await signIn(workbench.loom, admin)
  const { projects } = ProjectPage.parse(await ada.get('/projects'))
  files = new FileClient(workbench.loom, session, projects[0]?.id ?? '')
})
afterAll(() => workbench?.remove())

const content = (id: string, headers: Record<string, string> = {}) => fetch(`${workbench.loom.url}/api/files/${id}/content`, { headers: { ...session, ...headers } })
const lastQuestion = () => AnswerRequest.shape.messages.parse(workbench.upstream.requests.at(-1)?.json.messages)

describe('an upload', () => {
  test('comes back byte for byte, as a download that no browser runs', async () => {
    const page = '<script>alert(1)</script>'
    const stored = await files.upload('page.html', page, 'text/html')
    expect(stored).toMatchObject({ name: 'page.html', kind: 'text', mime: 'text/plain', sizeBytes: page.length })
    const response = await content(stored.id)
    expect(await response.text()).toBe(page)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="page.html"; filename*=UTF-8\'\'page.html',
      'x-content-type-options': 'nosniff',
      'content-security-policy': 'default-src \'none\'; sandbox',
      'cross-origin-resource-policy': 'same-origin',
      'etag': `"${createHash('sha256').update(page).digest('hex')}"`
    })
    expect((await content(stored.id, { 'if-none-match': response.headers.get('etag') ?? '' })).status).toBe(304)
  })

  test('keeps a name that means no harm, whatever was sent', async () => {
    const name = async (sent: string) => (await files.upload(sent, 'x')).name
    expect(await name('../../etc/passwd')).toBe('passwd')
    expect(await name('C:\\temp\\plan.txt')).toBe('plan.txt')
    expect(await name('a\r\nset-cookie: b=1.txt')).toBe('aset-cookie: b=1.txt')
    expect(await name('invoice\u202Etxt.md')).toBe('invoicetxt.md')
    expect(await name('..')).toBe('file')
    expect(await name(`${'x'.repeat(500)}.txt`)).toBe(`${'x'.repeat(196)}.txt`)
    const stored = await files.upload('Übung "1".txt', 'x')
    expect((await content(stored.id)).headers.get('content-disposition')).toBe('attachment; filename="_bung _1_.txt"; filename*=UTF-8\'\'%C3%9Cbung%20%221%22.txt')
  })

  test.each([
    ['a PNG that is HTML', 'cat.png', '<html><script>alert(1)</script></html>', 'image/png'],
    ['a text that is a PNG', 'notes.txt', PIXEL, 'text/plain'],
    ['an image by type that is text', 'cat', 'meow', 'image/png'],
    ['a PDF that is text', 'bill.pdf', 'Pay me', 'application/pdf'],
    ['a program', 'tool', Buffer.from('7f454c46020101000000000000000000', 'hex'), 'text/plain'],
    ['an archive', 'all.zip', Buffer.from('504b0304140000000800', 'hex'), 'application/zip'],
    ['a text that is no UTF-8', 'latin.txt', Buffer.from([0x66, 0xfc, 0x72]), 'text/plain'],
    ['a text with NULs', 'nul.txt', 'a\0b', 'text/plain'],
    ['nothing', 'empty.txt', '', 'text/plain']
  ])('is refused when it is %s', async (_, name, bytes, type) => {
    expect(await files.send(name, bytes, type)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
  })

  test('is refused where its UTF-8 breaks after the first megabyte', async () => {
    const bytes = Buffer.concat([Buffer.alloc(MIB, 'a'), Buffer.from([0xff]), Buffer.alloc(10, 'b')])
    expect((await files.send('long.txt', bytes, 'text/plain')).status).toBe(400)
  })

  test('may cut a character anywhere between two pieces', async () => {
    const text = 'ü'.repeat(300_000)
    const stored = await files.upload('umlauts.txt', text)
    expect(await (await content(stored.id)).text()).toBe(text)
  })

  test('of 200 MB is refused before it is sent', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const upload = request(`${workbench.loom.url}/api/projects/${files.projectId}/files?name=big.txt`, {
        method: 'POST', headers: { ...session, 'origin': workbench.loom.url, 'content-length': 200 * MIB }
      }, response => resolve(response.statusCode))
      upload.on('error', reject)
      upload.flushHeaders()
    })
    expect(status).toBe(413)
  })

  test('that does not tell its length is cut off at the limit', async () => {
    let sent = 0
    const outcome = await new Promise<number | undefined>((resolve) => {
      const upload = request(`${workbench.loom.url}/api/projects/${files.projectId}/files?name=endless.txt`, { method: 'POST', headers: { ...session, origin: workbench.loom.url } }, response => resolve(response.statusCode))
      const more = () => {
        if (upload.destroyed) return
        sent += 64 * 1024
        upload.write(Buffer.alloc(64 * 1024, 'a'), more)
      }
      // A client that is still writing may see its connection break before it reads why.
      upload.on('error', () => resolve(413))
      more()
    })
    expect(outcome).toBe(413)
    expect(sent).toBeLessThan(64 * MIB)
  })
})

describe('an attachment', () => {
  const send = (conversationId: string, body: object) => ada.readAll('POST', `/conversations/${conversationId}/messages`, body)

  test('goes to a model that may see it, images as images and texts with their names', async () => {
    const conversation = await newConversation(ada, quickModel)
    const image = await files.upload('pixel.png', PIXEL, 'image/png')
    const text = await files.upload('notes.md', '# Notes')
    await send(conversation.id, { text: 'Look', fileIds: [image.id, text.id] })
    expect(lastQuestion()).toEqual([{
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL.toString('base64')}` } },
        { type: 'text', text: '<file name="notes.md">\n# Notes\n</file>' },
        { type: 'text', text: 'Look' }
      ]
    }])
    const [question] = await readMessages(ada, conversation)
    expect(question?.parts).toMatchObject([
      { type: 'text', text: 'Look' }, { type: 'image', fileId: image.id, name: 'pixel.png', mime: 'image/png', sizeBytes: PIXEL.length }, { type: 'file', fileId: text.id, name: 'notes.md' }
    ])
  })

  test('may stand alone, and stays in the thread', async () => {
    const conversation = await newConversation(ada, quickModel)
    const file = await files.upload('alone.txt', 'Alone')
    await send(conversation.id, { fileIds: [file.id] })
    await send(conversation.id, { text: 'And?' })
    expect(lastQuestion()[0]).toMatchObject({ role: 'user', content: [{ type: 'text', text: '<file name="alone.txt">\nAlone\n</file>' }] })
    expect(await ada.get(`/conversations/${conversation.id}`)).toMatchObject({ title: 'alone.txt' })
    const [, answer] = await readMessages(ada, conversation)
    expect(JSON.stringify(await ada.get(`/conversations/${conversation.id}/messages/${answer?.id}/request`))).not.toContain('Alone\\n')
  })

  test('is named to a model that is known not to see', async () => {
    const conversation = await newConversation(ada, 'demo')
    const image = await files.upload('pixel.png', PIXEL)
    const { message } = await send(conversation.id, { text: 'Look', fileIds: [image.id] })
    expect(message).toMatchObject({ status: 'complete' })
    expect(JSON.stringify(await ada.get(`/conversations/${conversation.id}/messages/${message?.id}/request`))).toContain('you cannot see it')
  })

  /** As a provider refuses a question. */
  const refusal = (message: string) => ({ status: 400, errorBody: JSON.stringify({ error: { message, type: 'invalid_request_error' } }) })

  test.each(['Could not process image', 'messages[0]: unknown variant `image_url`, expected `text`', 'Unsupported MIME type'])('that a provider refuses is sent with that question alone, and again where that is tried again: %s', async (words) => {
    const conversation = await newConversation(ada, quickModel)
    const image = await files.upload('pixel.png', PIXEL)
    workbench.upstream.respondWith(refusal(words))
    const { message: refused } = await send(conversation.id, { text: 'Look', fileIds: [image.id] })
    expect(refused).toMatchObject({ error: { code: 'invalid_request' } })
    const { message } = await send(conversation.id, { text: 'Never mind' })
    expect(message).toMatchObject({ status: 'complete' })
    expect(lastQuestion()[0]?.content).toEqual([{ type: 'text', text: '[The file "pixel.png" was attached, but the question with it was refused.]' }, { type: 'text', text: 'Look' }])
    await ada.readAll('POST', `/conversations/${conversation.id}/messages/${refused?.id}/retry`, {})
    await send(conversation.id, { text: 'And now?' })
    expect(lastQuestion()[0]?.content).toMatchObject([{ type: 'image_url' }, { type: 'text', text: 'Look' }])
  })

  test.each(['Unsupported value: temperature does not support 0.3 with this model.', 'This prompt is not allowed.', 'The input token count exceeds the maximum.'])('goes on being sent where its question was refused for something else: %s', async (words) => {
    const conversation = await newConversation(ada, quickModel)
    const image = await files.upload('pixel.png', PIXEL)
    workbench.upstream.respondWith(refusal(words))
    expect((await send(conversation.id, { text: 'Look', fileIds: [image.id] })).message).toMatchObject({ error: { code: 'invalid_request' } })
    await send(conversation.id, { text: 'And now?' })
    expect(lastQuestion()[0]?.content).toMatchObject([{ type: 'image_url' }, { type: 'text', text: 'Look' }])
  })

  test('whose bytes are gone is told of, and answers no question with an error', async () => {
    const conversation = await newConversation(ada, quickModel)
    const folder = join(String(workbench.loom.env.LOOM_DATA_DIR), 'files')
    const before = await readdir(folder, { recursive: true })
    const file = await files.upload('lost.txt', 'Lost')
    for (const name of await readdir(folder, { recursive: true })) if (!before.includes(name)) await rm(join(folder, name), { recursive: true, force: true })
    const { message } = await send(conversation.id, { text: 'Read', fileIds: [file.id] })
    expect(message).toMatchObject({ status: 'complete' })
    expect(lastQuestion()[0]?.content).toEqual([{ type: 'text', text: '[The file "lost.txt" cannot be read any more.]' }, { type: 'text', text: 'Read' }])
  })

  test('goes along with its conversation to another project, and with a copy: it is shown, sent and may be sent again', async () => {
    const [from, to] = [Project.parse(await ada.post('/projects', { name: 'From' })), Project.parse(await ada.post('/projects', { name: 'To' }))]
    const image = await new FileClient(workbench.loom, session, from.id).upload('pixel.png', PIXEL)
    const conversation = Conversation.parse(await ada.post(`/projects/${from.id}/conversations`, { model: quickModel }))
    const { message: answer } = await send(conversation.id, { text: 'Look', fileIds: [image.id] })
    const copy = Conversation.parse(await ada.post(`/conversations/${conversation.id}/duplicate`))
    await ada.call('PATCH', `/conversations/${conversation.id}`, { projectId: to.id })
    await ada.post('/conversations/bulk', { action: 'move', ids: [copy.id], projectId: to.id })
    expect((await ada.call('DELETE', `/projects/${from.id}`)).status).toBe(204)

    expect((await content(image.id)).status).toBe(200)
    const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL.toString('base64')}` } }
    for (const { id } of [conversation, copy]) {
      await send(id, { text: 'Again' })
      expect(lastQuestion()[0]?.content).toEqual([picture, { type: 'text', text: 'Look' }])
    }
    await send(conversation.id, { text: 'Look closely', fileIds: [image.id], parentId: null })
    expect(lastQuestion()).toEqual([{ role: 'user', content: [picture, { type: 'text', text: 'Look closely' }] }])
    expect(answer?.status).toBe('complete')
    // Shown by the copy alone, and then by nothing.
    await ada.call('DELETE', `/conversations/${conversation.id}`)
    expect((await content(image.id)).status).toBe(200)
    await ada.call('DELETE', `/conversations/${copy.id}`)
    expect((await content(image.id)).status).toBe(404)
    await ada.post(`/conversations/${copy.id}/restore`)
    expect((await content(image.id)).status).toBe(200)
  })

  test('that is not there is told of, and nothing is sent', async () => {
    const conversation = await newConversation(ada, quickModel)
    expect((await ada.call('POST', `/conversations/${conversation.id}/messages`, { text: 'Look', fileIds: ['01890000-0000-7000-8000-000000000000'] })).status).toBe(404)
    expect(await readMessages(ada, conversation)).toEqual([])
  })
})

describe('a picture that a model makes', () => {
  const written = `data:image/png;base64,${PIXEL.toString('base64')}`

  test('is kept with the answer, given out, and sent with the next question', async () => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ text: 'Here.', images: [written, written] })
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Draw' })
    expect(message).toMatchObject({ status: 'complete', parts: [{ type: 'text', text: 'Here.' }, { type: 'image', name: 'picture.png', mime: 'image/png', sizeBytes: PIXEL.length }] })
    expect((await readMessages(ada, conversation)).at(-1)).toEqual(message)
    const [fileId] = message?.parts.flatMap(part => part.type === 'image' ? [part.fileId] : []) ?? []
    expect(Buffer.from(await (await content(fileId ?? '')).arrayBuffer()).equals(PIXEL)).toBe(true)
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'In blue' })
    expect(lastQuestion()).toEqual([
      { role: 'user', content: 'Draw' }, { role: 'assistant', content: 'Here.\n\n[Pictures you made, shown with the next message: picture.png]' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: written } }, { type: 'text', text: 'In blue' }] }
    ])
  })

  test('is given out as soon as it is made, and kept when the answer is stopped after it', async () => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ toolCalls: [{ name: 'calculate', arguments: '{"expression":"1+1"}' }], images: [written] })
    workbench.upstream.respondWith({ fault: 'never-answers' })
    const asked = workbench.upstream.requests.length
    let fileId = ''
    for await (const { event } of ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Draw, then reckon', tools: true })) {
      if (event.type !== 'part' || event.part.type !== 'image') continue
      fileId = event.part.fileId
      expect((await content(fileId)).status).toBe(200)
      await workbench.upstream.received(asked + 2)
      await ada.post(`/conversations/${conversation.id}/stop`)
    }
    expect((await readMessages(ada, conversation)).at(-1)).toMatchObject({ status: 'aborted', parts: expect.arrayContaining([expect.objectContaining({ type: 'image', fileId })]) })
    expect((await content(fileId)).status).toBe(200)
  })

  test('is kept as it comes, and shown behind the words of its step', async () => {
    const conversation = await newConversation(ada, quickModel)
    const countKept = async () => (await readdir(join(workbench.loom.env.LOOM_DATA_DIR ?? '', 'files'), { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()).length
    const before = await countKept()
    // Half of it, which are five pictures, and then nothing more.
    const images = Array.from({ length: 8 }, (_, place) => `data:image/png;base64,${Buffer.concat([PIXEL, Buffer.alloc(place)]).toString('base64')}`)
    workbench.upstream.respondWith({ text: 'Here.', chunks: 1, images, fault: 'stalls' })
    const answer = ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Draw much' })
    await until(async () => await countKept() === before + 5)
    await ada.post(`/conversations/${conversation.id}/stop`)
    expect((await answer).message).toMatchObject({ status: 'aborted', parts: [{ type: 'text', text: 'Here.' }, ...[0, 1, 2, 3, 4].map(place => ({ type: 'image', sizeBytes: PIXEL.length + place }))] })
  })

  test.each([
    ['is none', `data:image/png;base64,${Buffer.from('<script>alert(1)</script>').toString('base64')}`, 'it is no PNG'], ['lies elsewhere', 'https://example.com/cat.png', 'it is no PNG'],
    ['is larger than files may be', `data:image/png;base64,${Buffer.concat([PIXEL, Buffer.alloc(2 * MIB)]).toString('base64')}`, 'larger than the 2 MiB']
  ])('that %s is not kept, and the answer says so', async (_, image, why) => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ text: 'Here.', images: [image, written] })
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Draw' })
    expect(message).toMatchObject({ status: 'complete', parts: [{ text: 'Here.' }, { type: 'text', text: expect.stringContaining(why) }, { type: 'image' }] })
  })

  test('is not kept in a temporary chat, which says so', async () => {
    workbench.upstream.respondWith({ text: 'Here.', images: [written] })
    const answer = await (await ada.fetch('POST', `/projects/${files.projectId}/temporary`, { messages: [{ role: 'user', text: 'Draw' }], model: quickModel })).text()
    expect(answer).toContain('A temporary chat keeps no pictures')
  })
})

test('a project\'s files are read by its conversations until they are removed, and again when that is undone', async () => {
  const file = await files.upload('glossary.md', 'A shuttle carries the weft.', 'text/markdown', '&inProject=true')
  const ask = async () => {
    const conversation = Conversation.parse(await ada.post(`/projects/${files.projectId}/conversations`, { model: mock({ text: 'ok' }) }))
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'What?' })
    return JSON.stringify(lastQuestion())
  }
  expect(await ada.get(`/projects/${files.projectId}/files`)).toMatchObject({ files: [{ id: file.id, name: 'glossary.md' }] })
  expect(await ask()).toContain('A shuttle carries the weft.')
  expect((await ada.call('DELETE', `/files/${file.id}`)).status).toBe(204)
  expect(await ada.get(`/projects/${files.projectId}/files`)).toEqual({ files: [] })
  expect(await ask()).not.toContain('shuttle')
  await ada.post(`/files/${file.id}/restore`)
  expect(await ask()).toContain('A shuttle carries the weft.')
  await ada.call('DELETE', `/files/${file.id}`)
})

describe('pictures and PDFs of a project', () => {
  const PDF = Buffer.from('%PDF-1.4\n%%EOF\n')
  const shelf = async (name: string) => new FileClient(workbench.loom, session, Project.parse(await ada.post('/projects', { name })).id)
  const give = (own: FileClient, name: string, bytes: Uint8Array | string) => own.upload(name, bytes, undefined, '&inProject=true')
  const begin = async ({ projectId }: FileClient, model: string) => Conversation.parse(await ada.post(`/projects/${projectId}/conversations`, { model }))
  const ask = async ({ id }: Conversation, text: string) => {
    await ada.readAll('POST', `/conversations/${id}/messages`, { text })
    return lastQuestion()
  }
  const pictureOf = (bytes: Buffer) => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } })

  test('stand before the first question of each conversation with a model that sees, and nowhere else', async () => {
    const [own, other] = [await shelf('Drawings'), await shelf('Other drawings')]
    await give(other, 'other.png', Buffer.concat([PIXEL, Buffer.from('other')]))
    await give(own, 'plan.png', PIXEL)
    await give(own, 'contract.pdf', PDF)
    const removed = await give(own, 'old.png', Buffer.concat([PIXEL, Buffer.from('old')]))
    expect((await ada.call('DELETE', `/files/${removed.id}`)).status).toBe(204)

    const given = [pictureOf(PIXEL), { type: 'file', file: { filename: 'contract.pdf', file_data: `data:application/pdf;base64,${PDF.toString('base64')}` } }]
    const conversation = await begin(own, 'gpt-4o-mini')
    const [system, first] = await ask(conversation, 'What?')
    expect(system?.content).toMatch(/Shown with the first question, in this order:\n- plan\.png\n- contract\.pdf$/)
    expect(first).toEqual({ role: 'user', content: [...given, { type: 'text', text: 'What?' }] })
    // The next call begins as this one did, so that a provider's prompt cache knows it.
    const [again, same, , second] = await ask(conversation, 'And?')
    expect([again, same]).toEqual([system, first])
    expect(second).toEqual({ role: 'user', content: 'And?' })
  })

  test('are shown beside what the question brings, and no longer once they are removed', async () => {
    const own = await shelf('Sketches')
    const plan = await give(own, 'plan.png', PIXEL)
    const sent = Buffer.concat([PIXEL, Buffer.from('sent')])
    const attached = await own.upload('sent.png', sent)
    const conversation = await begin(own, 'gpt-4o-mini')
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Look', fileIds: [attached.id] })
    expect(lastQuestion()[1]?.content).toEqual([pictureOf(PIXEL), pictureOf(sent), { type: 'text', text: 'Look' }])
    await ada.call('DELETE', `/files/${plan.id}`)
    const [first] = await ask(conversation, 'Again')
    expect(first?.content).toEqual([pictureOf(sent), { type: 'text', text: 'Look' }])
  })

  test.each([['that is known not to see', 'gpt-3.5-turbo'], ['nobody knows', quickModel]])('are named to a model %s', async (_, model) => {
    const own = await shelf('Blind')
    await give(own, 'plan.png', PIXEL)
    const [system, first] = await ask(await begin(own, model), 'What?')
    expect(system?.content).toMatch(/or no text:\n- plan\.png$/)
    expect(first).toEqual({ role: 'user', content: 'What?' })
  })
})

test('of a project\'s files, each text that still fits is read, whatever does not fit was given before', async () => {
  const { id: projectId } = Project.parse(await ada.post('/projects', { name: 'Long shelf' }))
  const shelf = new FileClient(workbench.loom, session, projectId)
  const give = (name: string, bytes: Uint8Array | string) => shelf.upload(name, bytes, undefined, '&inProject=true')
  // Nobody knows the model's window, so it is taken for 32,000 tokens: 24,000 characters of files are read.
  await give('photo.png', Buffer.concat([PIXEL, Buffer.alloc(50_000)]))
  await give('archive.txt', 'a'.repeat(300_000))
  await give('first.txt', 'b'.repeat(20_000))
  await give('second.txt', 'c'.repeat(5_000))
  await give('third.txt', 'A shuttle carries the weft.')
  const conversation = Conversation.parse(await ada.post(`/projects/${projectId}/conversations`, { model: mock({ text: 'ok' }) }))
  await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'What?' })
  const [{ content: instructions } = { content: null }] = lastQuestion()
  expect(instructions).toContain(`<file name="first.txt">\n${'b'.repeat(20_000)}\n</file>`)
  expect(instructions).toContain('<file name="third.txt">\nA shuttle carries the weft.\n</file>')
  expect(instructions).toMatch(/or no text:\n- photo\.png\n- archive\.txt\n- second\.txt$/)
})

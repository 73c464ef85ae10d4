import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConversationExport } from '../../shared/conversation-export'
import { Conversation, ConversationPage } from '../../shared/conversations'
import { Project } from '../../shared/projects'
import { HIT_END, HIT_START, SearchResult } from '../../shared/search'
import { ChatClient, textOf } from '../support/chat-client'
import type { ChatWorkbench } from '../support/chat-workbench'
import { mock, newConversation, quickModel, readConversation, readMessages, slowModel, startChatWorkbench } from '../support/chat-workbench'

let workbench: ChatWorkbench
let ada: ChatClient

beforeAll(async () => {
  workbench = await startChatWorkbench()
  ada = workbench.ada
})
afterAll(() => workbench?.remove())

const say = async (conversation: Conversation, text: string, model = quickModel) => (await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text, model })).message
const search = async (q: string, more = '') => SearchResult.parse(await ada.get(`/search?q=${encodeURIComponent(q)}${more}`)).hits

describe('a search', () => {
  test('finds a message by its words, shows what stands around them, and names a conversation once', async () => {
    const conversation = await newConversation(ada, quickModel)
    await say(conversation, 'How do I warp a loom?')
    const answer = await say(conversation, 'And what is a heddle?', mock({ text: 'A heddle is a looped cord; the warp thread passes through the heddle eye.' }))
    const [hit, ...others] = await search('heddle eye')
    expect(others).toEqual([])
    expect(hit).toMatchObject({ conversationId: conversation.id, projectId: conversation.projectId, messageId: answer?.id, title: 'How do I warp a loom?' })
    expect(hit?.snippet).toContain(`${HIT_START}heddle${HIT_END} ${HIT_START}eye${HIT_END}`)
    expect((await search('hedd')).map(found => found.conversationId)).toEqual([conversation.id])
    expect((await search('"eye heddle"'))).toEqual([])
    for (const q of ['heddle -cord', 'heddle -"looped cord"', 'heddle -"cord looped" -"looped cord"']) expect((await search(q)).map(found => found.messageId), q).toEqual([answer?.parentId])
    expect((await search('hedd -"cord looped"')).map(found => found.messageId), 'what is looked for may be a beginning only where it is last').toEqual([])
  })

  test.each([
    ['Chinese', '今天北京天气很好，我们去公园散步，然后喝茶。', ['北京天气', '天气', '茶', '北京 公园'], ['天京', '北京 上海', '散茶']],
    ['Japanese', '明日の会議は東京のオフィスで行います。', ['会議', 'オフィス', '東京のオフ'], ['京都', 'オフス']],
    ['Thai', 'วันนี้อากาศดีมากเราไปเดินเล่นที่สวน', ['อากาศ', 'เดินเล่น'], ['ฝนตก']],
    ['Korean', '서울대학교에서 만나요', ['대학교', '학교에서'], ['부산']],
    ['mixed', '我的iPhone手机坏了, 50% off_sale', ['iphone手机', 'hone手', '手机 off_sale', '50% 手机'], ['iphone电脑', '手机 off%sale']]
  ])('finds %s words, which no spaces part, within a text', async (_, text, found, missed) => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await say(conversation, `${'Before it. '.repeat(20)}${text}${' After it.'.repeat(20)}`)
    for (const q of found) {
      const [hit, ...others] = await search(q)
      expect(others, q).toEqual([])
      expect(hit, q).toMatchObject({ conversationId: conversation.id, messageId: answer?.parentId })
      const [first = ''] = q.split(' ')
      expect(hit?.snippet?.toLowerCase(), q).toContain(`${HIT_START}${first}${HIT_END}`)
    }
    for (const q of missed) expect(await search(q), q).toEqual([])
  })

  test('finds what stands beside a sign of such a script', async () => {
    const conversation = await newConversation(ada, quickModel)
    await say(conversation, 'A ticket is ฿173 there')
    expect((await search('฿173')).map(({ conversationId }) => conversationId)).toEqual([conversation.id])
  })

  test('finds titles first, and nothing that was deleted', async () => {
    const [titled, other] = [await newConversation(ada, quickModel), await newConversation(ada, quickModel)]
    await ada.call('PATCH', `/conversations/${titled.id}`, { title: 'Selvedge notes' })
    await say(other, 'What is a selvedge?')
    await ada.call('PATCH', `/conversations/${other.id}`, { title: 'Other' })
    expect((await search('selvedge')).map(({ conversationId, messageId }) => [conversationId, messageId !== null])).toEqual([[titled.id, false], [other.id, true]])
    await ada.call('DELETE', `/conversations/${other.id}`)
    expect((await search('selvedge')).map(({ conversationId }) => conversationId)).toEqual([titled.id])
  })

  test('finds the words of a title in any order and case, before messages that say them more often', async () => {
    const titles = ['Weaving on a rigid loom, in twill', 'TWILL, Weaving And More', 'Intertwill yarn', 'Ça coûte: ÉTÉ à Zürich']
    const [first, second, within, accented] = await Promise.all(titles.map(async (title) => {
      const conversation = await newConversation(ada, quickModel)
      await ada.call('PATCH', `/conversations/${conversation.id}`, { title })
      return conversation.id
    }))
    const talk = await newConversation(ada, quickModel)
    await say(talk, 'twill weaving '.repeat(40))
    await ada.call('PATCH', `/conversations/${talk.id}`, { title: 'Talk' })
    const idsFor = async (q: string) => (await search(q)).map(({ conversationId }) => conversationId)

    expect(await idsFor('twill weaving'), 'nearer together is better').toEqual([second, first, talk.id])
    expect(await idsFor('loom weaving')).toEqual([first])
    expect(await idsFor('weaving twi'), 'the last word half typed').toEqual([second, first, talk.id])
    expect(await idsFor('ertwill'), 'within a word').toEqual([within])
    expect((await idsFor('twill')).slice(-2), 'after the titles that hold the word').toEqual([within, talk.id])
    expect(await idsFor('weaving -rigid')).toEqual([second, talk.id])
    expect(await idsFor('-rigid'), 'not wanted is not looked for').toEqual([])
    for (const q of ['zürich coûte', 'ÉTÉ']) expect(await idsFor(q), q).toEqual([accented])
    await say({ ...talk, id: second ?? '' }, 'Still twill weaving')
    const [best] = await search('twill weaving')
    expect(best, 'both in its title and in a message').toMatchObject({ conversationId: second, snippet: expect.stringContaining('Still') })
  })

  test('stays in the project it is told to, and in the one its key is bound to', async () => {
    const project = Project.parse(await ada.post('/projects', { name: 'Tapestry' }))
    const inside = Conversation.parse(await ada.post(`/projects/${project.id}/conversations`, { title: 'Gobelin inside' }))
    const elsewhere = Project.parse(await ada.post('/projects', { name: 'Elsewhere' }))
    await ada.post(`/projects/${elsewhere.id}/conversations`, { title: 'Gobelin outside' })
    expect((await search('gobelin', `&projectId=${project.id}`)).map(({ conversationId }) => conversationId)).toEqual([inside.id])
    const { key } = z.object({ key: z.string() }).parse(await ada.post('/keys', { name: 'Bound', projectId: project.id, scopes: ['workspace'] }))
    const bound = new ChatClient(workbench.loom, { authorization: `Bearer ${key}` })
    expect(SearchResult.parse(await bound.get('/search?q=gobelin')).hits.map(({ conversationId }) => conversationId)).toEqual([inside.id])
  })

  test.each(['!!!', '\'', '":*', 'a & | b', '(((', '%', '\\', '- -', '-x', 'x or', '"', '!x:*', '<->', 'signal -"segmentation fault"', '-"a b"', 'a or -"b c"', '\u0001', '🧶', 'x'.repeat(200)])('for %j is no failure', async (q) => {
    expect(await ada.call('GET', `/search?q=${encodeURIComponent(q)}`)).toMatchObject({ status: 200 })
  })

  test.each(['', 'q=', `q=${'x'.repeat(201)}`, 'q=a&limit=0', 'q=a&projectId=x'])('with %j is refused', async (query) => {
    expect(await ada.call('GET', `/search?${query}`)).toMatchObject({ status: 400 })
  })

  test('does not stand in the way of a text with more words than an index holds', async () => {
    const conversation = await newConversation(ada, quickModel)
    const text = Array.from({ length: 28_000 }, (_, index) => `w${index.toString(36)}`).join(' ')
    expect(await say(conversation, text)).toMatchObject({ status: 'complete' })
  })
})

describe('a conversation', () => {
  test('is duplicated with all its versions, and costs nothing again', async () => {
    const conversation = await newConversation(ada, quickModel)
    const first = await say(conversation, 'One')
    await ada.readAll('POST', `/conversations/${conversation.id}/messages/${first?.id}/retry`, {})
    const copy = Conversation.parse(await ada.post(`/conversations/${conversation.id}/duplicate`))
    expect(copy).toMatchObject({ title: 'One (copy)', projectId: conversation.projectId, costNanoUsd: '0', inputTokens: 0 })
    const [original, copied] = [await readMessages(ada, conversation), await readMessages(ada, copy)]
    expect(copied.map(textOf)).toEqual(original.map(textOf))
    expect(copied.at(-1)?.siblingIds).toHaveLength(2)
    expect(copied.map(({ id }) => id).filter(id => original.some(message => message.id === id))).toEqual([])
    expect((await ada.readAll('POST', `/conversations/${copy.id}/messages`, { text: 'Two' })).message).toMatchObject({ status: 'complete' })
    expect(await readMessages(ada, conversation)).toHaveLength(2)
  })

  test('is duplicated without the answer that is being written', async () => {
    const conversation = await newConversation(ada, quickModel)
    const events = ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Slow', model: slowModel })
    await events.next()
    const copy = Conversation.parse(await ada.post(`/conversations/${conversation.id}/duplicate`))
    expect((await readMessages(ada, copy)).map(textOf)).toEqual(['Slow'])
    await ada.post(`/conversations/${conversation.id}/stop`)
    await events.return(undefined)
  })

  test('is listed as being answered while it is', async () => {
    const conversation = await newConversation(ada, quickModel)
    const events = ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Slow', model: slowModel })
    await events.next()
    await events.return(undefined)
    const listed = async () => ConversationPage.parse(await ada.get(`/projects/${conversation.projectId}/conversations`)).conversations.find(({ id }) => id === conversation.id)
    expect((await listed())?.runningMessageId).toEqual(expect.any(String))
    await ada.post(`/conversations/${conversation.id}/stop`)
    expect((await listed())?.runningMessageId).toBeNull()
  })

  test('is moved to another project of the org, and to no other', async () => {
    const conversation = await newConversation(ada, quickModel)
    const project = Project.parse(await ada.post('/projects', { name: 'New home' }))
    expect((await ada.call('PATCH', `/conversations/${conversation.id}`, { projectId: project.id })).body).toMatchObject({ projectId: project.id })
    expect(ConversationPage.parse(await ada.get(`/projects/${project.id}/conversations`)).conversations.map(({ id }) => id)).toEqual([conversation.id])
    expect(await ada.call('PATCH', `/conversations/${conversation.id}`, { projectId: conversation.id })).toMatchObject({ status: 404 })
    expect(await readConversation(ada, conversation)).toMatchObject({ projectId: project.id })
  })

  test('is exported as Markdown, and as JSON with every version', async () => {
    const conversation = await newConversation(ada, quickModel)
    const first = await say(conversation, 'What is a weft?')
    await ada.readAll('POST', `/conversations/${conversation.id}/messages/${first?.id}/retry`, { model: mock({ text: 'The thread across.' }) })
    const markdown = await ada.fetch('GET', `/conversations/${conversation.id}/export`)
    expect(markdown.headers.get('content-disposition')).toBe('attachment; filename="conversation.md"')
    expect(await markdown.text()).toMatch(/^# What is a weft\?\n\n## Question\n\nWhat is a weft\?\n\n## Answer \(.+\)\n\nThe thread across\.\n$/)
    const json = ConversationExport.parse(await ada.get(`/conversations/${conversation.id}/export?format=json`))
    expect(json.messages.map(textOf)).toEqual(['What is a weft?', 'Fine.', 'The thread across.'])
    expect(json.shownMessageId).toBe(json.messages[2]?.id)
    expect(await ada.call('GET', `/conversations/${conversation.id}/export?format=pdf`)).toMatchObject({ status: 400 })
  })
})

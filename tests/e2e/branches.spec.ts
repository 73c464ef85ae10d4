import { Conversation } from '../../shared/conversations'
import { ConversationExport, ImportedConversation } from '../../shared/conversation-export'
import { MessagePage } from '../../shared/messages'
import { Project } from '../../shared/projects'
import { SearchResult } from '../../shared/search'
import type { ChatClient } from '../support/chat-client'
import { textOf } from '../support/chat-client'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, mockModels, test } from './fixtures'

const look = 'You are looking at another branch.'

/** A conversation that shows a short branch; beside it is one of 240 messages, the second of which holds `word`. */
async function makeTwoBranches(client: ChatClient, word: string) {
  const project = Project.parse(await client.post('/projects', { name: 'Two branches' }))
  const begun = Conversation.parse(await client.post(`/projects/${project.id}/conversations`, { title: 'Two branches', model: 'brief' }))
  await client.readAll('POST', `/conversations/${begun.id}/messages`, { text: 'The chosen question' })
  const file = ConversationExport.parse(await client.get(`/conversations/${begun.id}/export?format=json`))
  const ids = Array.from({ length: 240 }, () => crypto.randomUUID())
  const hidden = ids.map((id, index) => ({
    ...file.messages[index % 2], id, parentId: ids[index - 1] ?? null,
    parts: file.messages[index % 2]?.parts.map(part => ({ ...part, text: index === 1 ? `The ${word} hides here.` : `Hidden message ${index + 1}` }))
  }))
  const conversation = ImportedConversation.parse(await client.post(`/projects/${project.id}/import`, { ...file, shownMessageId: file.messages.at(-1)?.id, messages: [...hidden, ...file.messages] }))
  const { hits: [hit] } = SearchResult.parse(await client.get(`/search?q=${word}`))
  const readShown = async () => MessagePage.parse(await client.get(`/conversations/${conversation.id}/messages`)).messages.map(textOf)
  return { path: `/projects/${project.id}/c/${conversation.id}`, hit: `?message=${hit?.messageId}`, readShown }
}

test('a hit on another branch is looked at, and a question asked there goes on from there', async ({ page, client, mock, isMobile }) => {
  expect(mock.url).toBeTruthy()
  const word = `heddlehook${isMobile ? 'phone' : 'desktop'}`
  const { path, hit, readShown } = await makeTwoBranches(client, word)
  const chosen = await readShown()
  expect(chosen[0]).toBe('The chosen question')
  const chat = new ChatPage(page)
  const notice = page.getByText(look)
  const found = chat.log().getByText(`The ${word} hides here.`)

  await page.goto(`${path}${hit}`)
  await expect(notice).toBeVisible()
  await expect(found).toBeInViewport()
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/look-${page.viewportSize()?.width}.png` })
  await page.getByRole('button', { name: 'Back', exact: true }).click()
  await expect(chat.log().getByText('The chosen question')).toBeInViewport()
  await expect(notice).toHaveCount(0)
  await expect(page).toHaveURL(path)
  await page.reload()
  await expect(chat.log().getByText('The chosen question')).toBeVisible()
  expect(await readShown(), 'looking changes nothing').toEqual(chosen)

  await page.goto(`${path}${hit}`)
  await expect(found).toBeInViewport()
  await chat.send('Asked from the look')
  await expect(chat.log().getByText('Asked from the look')).toBeInViewport()
  await expect(notice).toHaveCount(0)
  await chat.settled()
  await expect(chat.log().getByText('Hidden message 240', { exact: true })).toHaveCount(1)
  expect((await readShown()).slice(-3, -1)).toEqual(['Hidden message 240', 'Asked from the look'])
})

test('the search in a conversation leads to a hit on another branch, and back to one that is shown', async ({ page, client, mock, isMobile }) => {
  expect(mock.url).toBeTruthy()
  const word = `temple${isMobile ? 'phone' : 'desktop'}`
  const { path, readShown } = await makeTwoBranches(client, word)
  const chosen = await readShown()
  const chat = new ChatPage(page)
  await page.goto(path)
  await chat.ready()
  await page.getByRole('button', { name: 'Find in this conversation' }).click()
  const field = page.getByRole('textbox', { name: 'Find in this conversation' })
  await field.fill(word)
  await expect(chat.log().getByText(`The ${word} hides here.`)).toBeInViewport()
  await expect(page.getByText('1 of 1')).toBeVisible()
  await expect(page.getByText(look)).toBeVisible()
  await expect(field).toBeFocused()
  await page.screenshot({ path: `.cache/test/shots/look-found-${page.viewportSize()?.width}.png` })

  await field.fill('chosen')
  await expect(chat.log().getByText('The chosen question')).toBeInViewport()
  await expect(page.getByText(look)).toHaveCount(0)
  expect(await readShown(), 'looking changes nothing').toEqual(chosen)
})

test('while an answer is written, another branch is looked at without losing it, and is switched to afterwards', async ({ page, client, mock, isMobile }) => {
  expect(mock.url).toBeTruthy()
  const word = `shuttlebox${isMobile ? 'phone' : 'desktop'}`
  const { path, hit, readShown } = await makeTwoBranches(client, word)
  const chat = new ChatPage(page)
  await page.goto(path)
  await chat.ready()
  await chat.chooseModel('stalling')
  await chat.send('Go on for ever')
  await expect(chat.answers().last()).toHaveAttribute('data-status', 'streaming')
  await expect(chat.answers().last()).toContainText('The loom is warped')

  const found = chat.log().getByText(`The ${word} hides here.`)
  await page.evaluate(async to => Reflect.get(window, 'useNuxtApp')().$router.push(to), `${path}${hit}`)
  await expect(found).toBeInViewport()
  await expect(page.getByText('An answer is being written on the one this chat goes on from.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Switch to it' })).toBeDisabled()
  await expect(chat.message()).toBeHidden()
  await page.getByRole('button', { name: 'Back', exact: true }).click()
  await expect(chat.answers().last()).toHaveAttribute('data-status', 'streaming')
  await chat.stopButton().click()
  await chat.settled('aborted')

  await page.evaluate(async to => Reflect.get(window, 'useNuxtApp')().$router.push(to), `${path}${hit}`)
  await expect(found).toBeInViewport()
  await page.getByRole('button', { name: 'Switch to it' }).click()
  await expect(page.getByText(look)).toHaveCount(0)
  await expect.poll(async () => (await readShown()).at(-1)).toBe('Hidden message 240')
})

test('a message on its way when a tab went follows the chosen branch, not the one that is looked at', async ({ page, client, mock, isMobile }) => {
  expect(mock.url).toBeTruthy()
  const word = `leaserod${isMobile ? 'phone' : 'desktop'}`
  const { path, hit, readShown } = await makeTwoBranches(client, word)
  const chat = new ChatPage(page)
  await page.goto(path)
  await chat.ready()
  await page.route('**/messages', route => route.request().method() === 'POST' ? undefined : route.fallback())
  await chat.send('Sent before the tab went')
  await expect.poll(() => page.evaluate(() => Object.keys(localStorage).filter(key => key.startsWith('loom:queue:')).length)).toBe(1)
  await page.unroute('**/messages')

  await page.goto(`${path}${hit}`)
  await expect.poll(async () => (await readShown()).length).toBe(4)
  expect((await readShown()).slice(0, 3), 'after what everybody is shown').toEqual(['The chosen question', expect.any(String), 'Sent before the tab went'])
})

test('a question is edited without losing the first one, and the arrows lead back to it', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('What is a warp?')
  await chat.settled()
  await chat.log().getByText('What is a warp?', { exact: true }).first().hover()
  await page.getByRole('button', { name: 'Edit message' }).click()
  const editor = page.getByRole('textbox', { name: 'Your message' })
  await expect(editor).toBeFocused()
  await expect(editor).toHaveValue('What is a warp?')
  await editor.fill('What is a weft?')
  await page.getByRole('form', { name: 'Edit your message' }).getByRole('button', { name: 'Send' }).click()
  await expect(await chat.settled()).toContainText('You said: What is a weft?')
  await expect(chat.answers()).toHaveCount(1)

  const versions = page.getByRole('group', { name: 'Versions' })
  await expect(versions).toHaveText('2/2')
  await versions.getByRole('button', { name: 'Previous version' }).click()
  await expect(chat.answers()).toContainText('You said: What is a warp?')
  await expect(versions).toHaveText('1/2')
  await page.reload()
  await expect(chat.answers()).toContainText('You said: What is a warp?')
  await versions.getByRole('button', { name: 'Next version' }).click()
  await expect(chat.answers()).toContainText('You said: What is a weft?')
})

test('Escape leaves an edit as it was, and the focus where it began', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Leave me')
  await chat.settled()
  await chat.log().getByText('Leave me', { exact: true }).first().hover()
  await page.getByRole('button', { name: 'Edit message' }).click()
  await page.getByRole('textbox', { name: 'Your message' }).fill('Something else')
  await page.getByRole('textbox', { name: 'Your message' }).dispatchEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true })
  await expect(page.getByRole('textbox', { name: 'Your message' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Edit message' })).toBeFocused()
  await expect(chat.log().getByText('Leave me', { exact: true }).first()).toBeVisible()
})

test('another model answers beside the first, and a stopped answer goes on below itself', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('stalling')
  await chat.send('Go on for ever')
  await expect(chat.answers()).toContainText('The loom is warped')
  await chat.stopButton().click()
  const stopped = await chat.settled('aborted')

  await stopped.getByRole('button', { name: 'More about this answer' }).click()
  await page.getByRole('menuitem', { name: 'Answer with' }).press('ArrowRight')
  await page.getByRole('menuitem', { name: 'brief' }).click()
  const brief = await chat.settled()
  await expect(brief).toContainText('brief')
  await expect(brief.getByRole('group', { name: 'Versions' })).toHaveText('2/2')
  await brief.getByRole('button', { name: 'Previous version' }).click()
  await chat.settled('aborted')

  await chat.chooseModel('brief')
  await chat.answers().last().getByRole('button', { name: 'Continue', exact: true }).click()
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'user' }] })
})

test('an answer that was cut at its longest length says so, and goes on below itself', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew('brief')
  mock.respondWith({ text: 'The loom is', finishReason: 'length' })
  await chat.send('What is a loom?')
  const cut = await chat.settled('error')
  await expect(cut).toContainText('The loom is')
  await expect(cut.getByRole('alert')).toContainText('longest length')
  await cut.getByRole('button', { name: 'Continue', exact: true }).click()
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
})

test('an answer is copied as a call to repeat elsewhere', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Copy that')
  const answer = await chat.settled()
  await answer.getByRole('button', { name: 'More about this answer' }).click()
  await page.getByRole('menuitem', { name: 'Copy as curl' }).click()
  await expect(page.getByText('It reads your key from LOOM_API_KEY.').first()).toBeVisible()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  expect(copied).toContain('/v1/chat/completions')
  expect(copied).toContain('"content":"Copy that"')
})

test('what has waited for its turn is sent without taking along who reads further up', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew('stalling')
  mock.respondWith({ ...mockModels.long, chunkIntervalMs: 2 })
  await chat.send('Tell me everything')
  await chat.settled()
  // Long enough to scroll meanwhile.
  mock.respondWith({ text: 'Woven slowly. '.repeat(50), chunks: 50, chunkIntervalMs: 200 })
  await chat.send('Slowly')
  await expect(chat.answers().last()).toContainText('Woven slowly.')
  await chat.message().fill('And then?')
  await page.getByRole('button', { name: 'Send after this answer' }).click()
  await expect(page.getByText('Sent after this answer')).toBeVisible()
  const read = chat.log().getByText('Line 40:')
  await chat.scrollUpTo(read, 300)
  await expect(page.getByRole('button', { name: 'Jump to latest' })).toBeVisible()

  // The answer to what has waited: all that it moves has moved.
  await expect(chat.log().locator('[data-status=streaming]')).toContainText('The loom is warped')
  await expect(read).toBeInViewport()
  await page.getByRole('button', { name: 'Jump to latest' }).click()
  await chat.stopButton().click()
  await chat.settled('aborted')
})

test('what is written while an answer is on its way goes out after it, and a stop gives it back', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew('stalling')
  // Long enough for a slow machine to write the next message meanwhile; the one after it runs until it is stopped.
  mock.respondWith({ ...mockModels.long, chunkIntervalMs: 60 })
  await chat.send('Tell me everything')
  await expect(chat.answers()).toContainText('Line 1:')
  await chat.message().fill('And then?')
  await page.getByRole('button', { name: 'Send after this answer' }).click()
  await expect(page.getByText('Sent after this answer')).toBeVisible()
  await expect(chat.answers()).toHaveCount(2)
  await expect(page.getByText('Sent after this answer')).toBeHidden()

  await expect(chat.answers().last()).toContainText('The loom is warped')
  await expect(chat.answers().last()).toHaveAttribute('data-status', 'streaming')
  await chat.message().fill('Never mind')
  await page.getByRole('button', { name: 'Send after this answer' }).click()
  await chat.stopButton().click()
  await chat.settled('aborted')
  await expect(chat.message()).toHaveValue('Never mind')
  await expect(page.getByText('Sent after this answer')).toBeHidden()
})

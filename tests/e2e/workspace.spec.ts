import { Conversation } from '../../shared/conversations'
import { StoredFile } from '../../shared/files'
import { Project, ProjectPage } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

async function startConversation(client: ChatClient, title: string): Promise<Conversation> {
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  return Conversation.parse(await client.post(`/projects/${project?.id}/conversations`, { title, model: 'brief' }))
}
const pathOf = ({ id, projectId }: Conversation) => `/projects/${projectId}/c/${id}`

test('an answer is rated, explained and rated otherwise, and a reload shows it', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Rate me')
  const answer = await chat.settled()
  await answer.getByRole('button', { name: 'Bad answer' }).click()
  await page.getByRole('textbox', { name: 'Comment' }).fill('It only repeats me')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Keep' }).click()
  await page.reload()
  await chat.settled()
  await expect(answer.getByRole('button', { name: 'Bad answer' })).toHaveAttribute('aria-pressed', 'true')
  await answer.getByRole('button', { name: 'Good answer' }).click()
  await expect(page.getByRole('textbox', { name: 'Comment' })).toHaveValue('It only repeats me')
  await expect(answer.getByRole('button', { name: 'Bad answer' })).toHaveAttribute('aria-pressed', 'false')
})

test('a conversation’s own prompt and parameters are kept and go to the model', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew('brief')
  await chat.send('Hello')
  await chat.settled()
  await page.getByRole('button', { name: 'Chat settings' }).click()
  await page.getByLabel('System prompt').fill('Answer in verse.')
  await page.getByLabel('Temperature').fill('0.3')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await chat.send('Again')
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ temperature: 0.3, messages: [{ role: 'system', content: 'Answer in verse.' }, {}, {}, {}] })
})

test('words are found in a long conversation, from hit to hit, whichever page they are on', async ({ page, client, mock, isMobile }) => {
  expect(mock.url).toBeTruthy()
  const conversation = await startConversation(client, 'Long')
  for (let turn = 1; turn <= 40; turn += 1) {
    await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: turn === 2 || turn === 38 ? `Turn ${turn} has the selvedge` : `Turn ${turn}`, model: 'brief' })
  }
  await page.goto(pathOf(conversation))
  const chat = new ChatPage(page)
  await expect(chat.log().getByText('Turn 40')).toBeInViewport()
  if (isMobile) await page.getByRole('button', { name: 'Find in this conversation' }).click()
  else await page.keyboard.press('Control+Shift+f')
  // At the end of the thread, where the composer covers nothing.
  await expectAccessible(page)
  await page.getByRole('textbox', { name: 'Find in this conversation' }).fill('SELVEDGE')
  await expect(page.getByText('2 of 2')).toBeVisible()
  await expect(chat.log().getByText('Turn 38 has the selvedge')).toBeInViewport()
  await page.getByRole('button', { name: 'Earlier hit' }).click()
  await expect(page.getByText('1 of 2')).toBeVisible()
  await expect(chat.log().getByText('Turn 2 has the selvedge')).toBeInViewport()
  await page.getByRole('button', { name: 'Close the search' }).click()
  await expect(page.getByRole('search', { name: 'In this conversation' })).toHaveCount(0)
})

test('J and K go from message to message', async ({ page, client, mock, isMobile }) => {
  test.skip(isMobile, 'a phone has no keyboard')
  expect(mock.url).toBeTruthy()
  const conversation = await startConversation(client, 'Steps')
  for (let turn = 1; turn <= 12; turn += 1) await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: `Step ${turn} of twelve`, model: 'brief' })
  await page.goto(pathOf(conversation))
  const chat = new ChatPage(page)
  await expect(chat.log().getByText('Step 12 of twelve')).toBeInViewport()
  await chat.message().blur()
  for (let press = 0; press < 12; press += 1) await page.keyboard.press('k')
  await expect(chat.log().locator('[data-row]:focus')).toBeInViewport()
  await expect(chat.log().getByText('Step 12 of twelve')).not.toBeInViewport()
  const before = await chat.log().locator('[data-row]:focus').getAttribute('data-row')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  await expect(chat.log().locator('[data-row]:focus')).toHaveAttribute('data-row', before ?? '')
})

test('from an answer a new chat goes on with the thread so far', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('The first thread')
  const answer = await chat.settled()
  await answer.getByRole('button', { name: 'More about this answer' }).click()
  await page.getByRole('menuitem', { name: 'New chat from here' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('(branch)')
  await expect(chat.log()).toContainText('The first thread')
})

test('a temporary chat answers, and is gone once it is left', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openTemporary('brief')
  await expectAccessible(page)
  await chat.send('Between us: ephemeron')
  const answer = await chat.settled()
  await expect(answer).toContainText('The loom is warped')
  await expect(answer).toContainText(/\d+ in/)
  await chat.send('And on')
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ content: 'Between us: ephemeron' }, {}, { content: 'And on' }] })
  await page.keyboard.press('Escape')
  await page.evaluate(() => history.back())
  await expect(page.getByRole('dialog')).toContainText('kept nowhere')
  await page.getByRole('button', { name: 'Leave' }).click()
  await expect(page).toHaveURL(/\/c\/new$/)
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('ephemeron')
})

test('a temporary chat whose answer broke off asks its question again', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openTemporary('brief')
  const part = { type: 'text', text: 'Half of a', index: 0, startedAt: new Date().toJSON(), completedAt: null }
  await page.route(/\/api\/projects\/[^/]+\/temporary$/, route => route.fulfill({
    contentType: 'text/event-stream', body: `id: 1\ndata: ${JSON.stringify({ type: 'part', part })}\n\nid: 2\ndata: torn\n\n`
  }), { times: 1 })
  await chat.send('Where was I?')
  await expect(chat.answers()).toContainText('Half of a')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(await chat.settled()).toContainText('The loom is warped')
  await expect(chat.answers()).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(0)
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ content: 'Where was I?' }] })
})

test('many conversations are chosen, archived together and brought back', async ({ page, client }) => {
  const project = Project.parse(await client.post('/projects', { name: 'Bulk' }))
  for (const title of ['One', 'Two', 'Three']) await client.post(`/projects/${project.id}/conversations`, { title })
  await page.goto(`/projects/${project.id}`)
  const main = page.getByRole('main')
  for (const title of ['One', 'Two']) await main.getByRole('checkbox', { name: `Choose ${title}` }).check()
  const bar = page.getByRole('toolbar', { name: 'With the chosen conversations' })
  await expect(bar).toContainText('2 chosen')
  await expectAccessible(page)
  await bar.getByRole('button', { name: 'Archive' }).click()
  await expect(main.getByRole('link', { name: 'One', exact: true })).toHaveCount(0)
  await expect(main.getByRole('link', { name: 'Three', exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).first().click()
  await expect(main.getByRole('link', { name: 'One', exact: true })).toBeVisible()
})

test('an exported conversation is imported into another project', async ({ page, client }) => {
  const conversation = await startConversation(client, 'To carry over')
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Take me along', model: 'demo' })
  const project = Project.parse(await client.post('/projects', { name: 'Far away' }))
  const file = await client.get(`/conversations/${conversation.id}/export?format=json`)
  await page.goto(`/projects/${project.id}`)
  const choose = async (name: string, text: string) => {
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Import a conversation' }).click()
    await (await chooser).setFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
  }
  await choose('broken.json', '{ no json')
  await expect(page.getByText('“broken.json” was not imported.').first()).toBeVisible()
  await choose('talk.json', JSON.stringify(file))
  await expect(page).toHaveURL(new RegExp(`/projects/${project.id}/c/`))
  await expect(new ChatPage(page).log()).toContainText('Take me along')
  await expect(page.getByText('Imported without')).toHaveCount(0)
})

test('an import says how many attached files the export did not hold', async ({ page, client }) => {
  const conversation = await startConversation(client, 'With files')
  const upload = async (name: string) => StoredFile.parse(await (await client.fetch('POST', `/projects/${conversation.projectId}/files?name=${name}`, 'Notes', undefined, { 'content-type': 'text/plain' })).json()).id
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Read these', model: 'demo', fileIds: [await upload('one.txt'), await upload('two.txt')] })
  const file = await client.get(`/conversations/${conversation.id}/export?format=json`)
  await page.goto(`/projects/${conversation.projectId}`)
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Import a conversation' }).click()
  await (await chooser).setFiles({ name: 'talk.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(file)) })
  await expect(page.getByText('Imported without 2 files of its messages.').first()).toBeVisible()
  await expect(new ChatPage(page).log()).toContainText('Read these')
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/import-${page.viewportSize()?.width}.png` })
})

test('projects are found, sorted, archived and deleted, each with a way back', async ({ page, client, isMobile }) => {
  const name = `Weaving shed ${isMobile ? 'phone' : 'desktop'}`
  await client.post('/projects', { name })
  await page.goto('/projects')
  const main = page.getByRole('main')
  await page.getByRole('searchbox', { name: 'Find a project' }).fill(name)
  await expect(main.getByRole('listitem')).toHaveCount(1)
  await main.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Archive' }).click()
  await expect(main.getByText('No project has this')).toBeVisible()
  await page.getByRole('button', { name: 'Archived', exact: true }).click()
  await expect(main.getByRole('link', { name })).toBeVisible()
  await main.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await expect(main.getByRole('link', { name })).toHaveCount(0)
  // One for the archiving may be there still.
  await page.locator('li').filter({ hasText: `Deleted “${name}”` }).getByRole('button', { name: 'Undo' }).click()
  await expect(main.getByRole('link', { name })).toBeVisible()
  await expectAccessible(page)
})

test('a project’s page tells what it spent and who may open it', async ({ page, client }) => {
  const project = Project.parse(await client.post('/projects', { name: 'Accounted for' }))
  const conversation = Conversation.parse(await client.post(`/projects/${project.id}/conversations`, { model: 'demo' }))
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Count me' })
  await page.goto(`/projects/${project.id}`)
  const activity = page.getByRole('region', { name: 'Last 30 days' })
  await expect(activity.getByText('By person')).toBeVisible()
  await expect(activity.getByRole('definition').last()).toHaveAttribute('title', /^[\d,]+$/)
  await expect(activity.getByRole('list', { name: 'Calls a day' }).getByRole('listitem').last()).toHaveText(/^[\d-]+: [\d,]+ calls$/)
  await expect(activity.getByRole('listitem').filter({ hasText: 'Ada' })).toBeVisible()
  await page.getByRole('radio', { name: 'Only its members' }).click()
  await expect(page.getByRole('region', { name: 'Members' }).getByText('ada@example.com')).toBeVisible()
  await expectAccessible(page)
})

test('the list of keys opens over everything, and the palette knows the actions', async ({ page, isMobile }) => {
  test.skip(isMobile, 'a phone has no keyboard')
  await page.goto('/projects')
  await page.keyboard.press('Control+/')
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('Find in this conversation')
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  await page.getByPlaceholder('Search conversations and places').fill('shortcuts')
  await page.getByRole('option', { name: 'Keyboard shortcuts' }).click()
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
})

test('every place of the palette is one', async ({ page, isMobile }) => {
  test.skip(isMobile, 'a phone has no keyboard')
  await page.goto('/projects')
  await page.keyboard.press('Control+k')
  const palette = page.getByRole('dialog', { name: 'Search' })
  await expect(palette.getByRole('option', { name: 'Wallet' })).toBeVisible()
  const places = await palette.locator('a[href^="/dashboard"]').evaluateAll(links => links.map(link => link.getAttribute('href') ?? ''))
  expect(places).toContain('/dashboard/billing')
  for (const place of places) expect((await page.request.get(place)).status(), place).toBe(200)
})

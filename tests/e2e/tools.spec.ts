import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Page } from '@playwright/test'
import { MessagePage } from '../../shared/messages'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'
import { hostileDocument } from './hostile-document'

async function openWithTools(page: Page, model?: string) {
  const chat = new ChatPage(page)
  await chat.openNew(model)
  const toggle = page.getByRole('button', { name: 'Tools' })
  if (await toggle.getAttribute('aria-pressed') !== 'true') await toggle.click()
  await expect(toggle).toHaveAttribute('aria-pressed', 'true')
  return chat
}

/** A document that has just been written opens by itself, on a phone when it is asked for. */
async function openDocument(page: Page, chat: ChatPage, name: string) {
  const document = page.getByRole('region', { name: 'Document', exact: true })
  if (test.info().project.name === 'phone') await chat.log().getByRole('button', { name: `Open ${name}` }).last().click()
  await expect(document).toBeVisible()
  return document
}

test('the wrench counts for an answer that is asked for again, too', async ({ page, mock }) => {
  const chat = await openWithTools(page, 'brief')
  await chat.send('What is a loom?')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toHaveProperty('tools')
  const toggle = page.getByRole('button', { name: 'Tools' })
  await toggle.click()
  await expect(toggle).toHaveAttribute('aria-pressed', 'false')
  await chat.answers().getByRole('button', { name: 'Answer again' }).click()
  await expect(page.getByRole('group', { name: 'Versions' })).toHaveText('2/2')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).not.toHaveProperty('tools')
})

for (const theme of ['dark', 'light']) {
  test(`a calculation is one card with its result, in ${theme}`, async ({ page }) => {
    await page.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
    const chat = await openWithTools(page)
    await chat.send('calculate "6 * 7"')
    const answer = await chat.settled()
    const card = answer.getByRole('group', { name: 'Calculated' })
    await expect(card).toHaveCount(1)
    await expect(answer).toContainText(/\d (?:ms|s) in tools/)
    await card.getByText('Calculated').click()
    await expect(card).toContainText('"expression": "6 * 7"')
    await expect(card.getByText('42', { exact: true })).toBeVisible()
    await expectAccessible(page)
    await page.reload()
    await expect(page.getByRole('button', { name: 'Tools' })).toHaveAttribute('aria-pressed', 'true')
    await expect(chat.answers().last().getByRole('group', { name: 'Calculated' })).toHaveCount(1)
  })

  test(`a document opens beside the chat, with versions, changes and its source, in ${theme}`, async ({ page }) => {
    await page.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
    const chat = await openWithTools(page)
    await chat.send('create artifact, please')
    await chat.settled()
    await openDocument(page, chat, 'notes.md')
    await expect(page.getByRole('region', { name: 'notes.md' }).getByRole('heading', { name: 'Notes' })).toBeVisible()
    await page.getByRole('button', { name: 'Close document' }).click()
    await expect(page.getByRole('region', { name: 'Document', exact: true })).toHaveCount(0)
    await chat.send('update artifact, please')
    await chat.settled()
    const document = await openDocument(page, chat, 'notes.md Version 2')
    await expect(document.getByRole('group', { name: 'Versions of the document' })).toHaveText('2/2')
    await document.getByRole('button', { name: 'Changes' }).click()
    await expect(document).toContainText('added: Written and changed by the demo model.')
    await expectAccessible(page)
    await page.screenshot({ path: `.cache/test/shots/document-${theme}-${page.viewportSize()?.width}.png` })
    await document.getByRole('button', { name: 'Older version' }).click()
    await document.getByRole('button', { name: 'Source' }).click()
    await expect(document.locator('pre.shiki')).toContainText('Written by the demo model.')
    const download = page.waitForEvent('download')
    await document.getByRole('link', { name: 'Download document' }).click()
    expect((await download).suggestedFilename()).toBe('notes.md')
  })
}

test('a tool that asks waits for a word, and a no is taken', async ({ page, client, mock }) => {
  await client.call('PATCH', '/orgs/current', { webTools: true })
  const chat = await openWithTools(page, 'brief')
  mock.respondWith({ toolCalls: [{ name: 'fetch_web_page', arguments: '{"url":"https://example.com/"}' }] })
  await chat.send('Read that page')
  await expect(page.getByRole('alert')).toContainText('https://example.com/')
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/approval-${page.viewportSize()?.width}.png` })
  await page.getByRole('button', { name: 'Deny' }).click()
  const answer = await chat.settled()
  await expect(answer.getByRole('group', { name: 'Reading a web page: not allowed' })).toBeVisible()
  await client.call('PATCH', '/orgs/current', { webTools: false })
})

test('all of what a tool is asked to do can be read before it may, whatever stands before it', async ({ page, client, mock }) => {
  await client.call('PATCH', '/orgs/current', { webTools: true })
  const address = `http://127.0.0.1:1/${'a'.repeat(600)}?q=the-words-of-this-chat`
  mock.respondWith({ toolCalls: [{ name: 'fetch_web_page', arguments: `{${' '.repeat(600)}"url":${JSON.stringify(`${address}\u202e`)}}` }] })
  const chat = await openWithTools(page, 'brief')
  await chat.send('Read it')
  const asking = page.getByRole('alert').filter({ hasText: 'fetch_web_page wants to run with' })
  await expect(asking).toContainText(`"url": "${address}\\u202e"`)
  await page.getByRole('button', { name: 'Deny' }).click()
  await chat.settled()
  await client.call('PATCH', '/orgs/current', { webTools: false })
})

test('a tool that may run once asks again, and one that always may does not, in that chat alone', async ({ page, client, mock }) => {
  await client.call('PATCH', '/orgs/current', { webTools: true })
  // Never reached: only public pages are read.
  const askForPage = () => mock.respondWith({ toolCalls: [{ name: 'fetch_web_page', arguments: '{"url":"http://127.0.0.1:1/"}' }] })
  const chat = await openWithTools(page, 'brief')
  const asking = page.getByRole('alert').filter({ hasText: 'fetch_web_page wants to run with' })
  async function ask(text: string) {
    askForPage()
    await chat.send(text)
  }
  async function ran(answers: number) {
    await expect.poll(async () => MessagePage.parse(await client.get(`/conversations/${page.url().split('/').at(-1)}/messages`)).messages.filter(({ role, status }) => role === 'assistant' && status === 'complete').length).toBe(answers)
    await expect((await chat.settled()).getByRole('group', { name: 'Read a web page, without success' })).toBeVisible()
  }

  await ask('Once')
  await page.getByRole('button', { name: 'Allow once' }).click()
  await expect(asking).toHaveCount(0)
  await ran(1)
  await ask('From now on')
  await expect(asking).toBeVisible()
  await page.getByRole('button', { name: 'Always in this chat' }).click()
  await ran(2)
  await ask('And without a word')
  await ran(3)
  await expect(asking).toHaveCount(0)

  await openWithTools(page, 'brief')
  await ask('Elsewhere')
  await expect(asking).toBeVisible()
  await chat.stopButton().click()
  await chat.settled('aborted')
  await client.call('PATCH', '/orgs/current', { webTools: false })
})

test('separated values are a table', async ({ page, mock }) => {
  const chat = await openWithTools(page, 'brief')
  mock.respondWith({ toolCalls: [{ name: 'create_artifact', arguments: JSON.stringify({ path: 'yarn.csv', content: 'name,metres\n"Wool, red",120\nLinen,80\n' }) }] })
  await chat.send('A table')
  await chat.settled()
  const document = await openDocument(page, chat, 'yarn.csv')
  await expect(document.getByRole('cell', { name: 'Wool, red' })).toBeVisible()
  await expect(document.getByRole('columnheader', { name: 'metres' })).toBeVisible()
  await expectAccessible(page)
})

test('an image is drawn in the panel and downloaded, and a page that calls itself one is none', async ({ page, mock }) => {
  const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const chat = await openWithTools(page, 'brief')
  const write = async (path: string, content: string) => {
    mock.respondWith({ toolCalls: [{ name: 'create_artifact', arguments: JSON.stringify({ path, content }) }] })
    await chat.send(`Draw ${path}`)
    return chat.settled()
  }
  await write('dot.png', dot)
  const document = await openDocument(page, chat, 'dot.png')
  const image = document.getByRole('img', { name: 'dot.png' })
  await expect(image).toBeVisible()
  await expect(image).toHaveJSProperty('naturalWidth', 1)
  await expect(document.getByRole('button', { name: 'Source' })).toHaveCount(0)
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/image-${page.viewportSize()?.width}.png` })
  const download = page.waitForEvent('download')
  await document.getByRole('link', { name: 'Download document' }).click()
  expect((await download).suggestedFilename()).toBe('dot.png')
  await page.getByRole('button', { name: 'Close document' }).click()
  const refused = await write('page.png', '<script>alert(1)</script>')
  await expect(refused.getByRole('group', { name: 'Wrote a document, without success' })).toBeVisible()
})

test('a hostile page runs in its frame and nothing of it leaves', async ({ browser, loom, storageState, mock }) => {
  const arrived: string[] = []
  const server = createServer((socket) => {
    arrived.push('a connection')
    socket.on('data', data => arrived.push(String(data).split('\r\n')[0] ?? ''))
    socket.on('error', error => arrived.push(error.message))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const datagrams = createSocket('udp4').on('message', () => arrived.push('a datagram')).bind(port, '127.0.0.1')

  // Not the fixture's page: what the browser says of each refusal is no error of ours.
  const context = await browser.newContext({ storageState, baseURL: loom.url, viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.goto('/projects')
  const first = page.locator('main').getByRole('link').first()
  await page.goto(`${await first.getAttribute('href')}/c/new`)
  const chat = new ChatPage(page)
  await chat.ready()
  await chat.chooseModel('brief')
  await page.getByRole('button', { name: 'Tools' }).click()
  const write = async (path: string, content: string) => {
    mock.respondWith({ toolCalls: [{ name: 'create_artifact', arguments: JSON.stringify({ path, content }) }] })
    await chat.send(`Write ${path}`)
    await chat.settled()
    await expect(page.locator(`iframe[title="${path}"]`)).toBeVisible()
  }
  await write('worst.html', hostileDocument(port))
  const frame = page.frameLocator('iframe[title="worst.html"]')
  await expect(frame.getByText('Tried everything')).toBeVisible()
  const title = await page.title()
  await write('leaving.html', `<script>location.href = 'http://127.0.0.1:${port}/location'</script>`)
  await write('moved.html', `<meta http-equiv="refresh" content="0; url=http://127.0.0.1:${port}/refresh">`)
  await write('drawn.svg', `<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:${port}/svg" /><script>fetch('http://127.0.0.1:${port}/svg-script')</script></svg>`)
  // What they tried had time to arrive: this one is drawn a moment later.
  await write('calm.html', '<p id="calm"></p><script>setTimeout(() => { document.getElementById("calm").textContent = "It has been a while" }, 1500)</script>')
  await expect(page.frameLocator('iframe[title="calm.html"]').getByText('It has been a while')).toBeVisible()
  expect(arrived).toEqual([])
  expect(title).not.toBe('taken')
  expect(context.pages()).toHaveLength(1)
  expect(await page.evaluate(() => localStorage.getItem('x'))).toBeNull()
  await context.close()
  server.close()
  datagrams.close()
})

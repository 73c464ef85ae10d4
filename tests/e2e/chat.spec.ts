import { Conversation } from '../../shared/conversations'
import { ProjectPage } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

async function startConversation(client: ChatClient): Promise<Conversation> {
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  return Conversation.parse(await client.post(`/projects/${project?.id}/conversations`))
}

test('an answer streams in, ends with what it cost, and a reload shows the same', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Why is a loom warped first?')
  await expect(page).toHaveURL(/\/projects\/[\w-]+\/c\/[\w-]{36}$/)
  const answer = await chat.settled()
  await expect(answer).toContainText('You said: Why is a loom warped first?')
  await expect(answer).toContainText(/\d+ in/)
  await expect(answer).toContainText(/\$0\.0/)
  await expect(answer.getByText(/to first token$/)).toHaveAttribute('title', /^[\d,.]+ ms$/)
  const words = await chat.log().innerText()

  await page.reload()
  await chat.settled()
  await expect.poll(() => chat.log().innerText()).toBe(words)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Why is a loom warped first?')
})

test('stop ends the answer and keeps what was said', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew('stalling')
  await chat.send('Go on for ever')
  await expect(chat.answers()).toContainText('The loom is warped')
  await chat.stopButton().click()
  const answer = await chat.settled('aborted')
  await expect(answer).toContainText('Stopped')
  await expect(answer).toContainText('The loom is warped')
  await expect.poll(() => mock.requests.at(-1)?.callerGone).toBe(true)

  await page.reload()
  await expect(await chat.settled('aborted')).toContainText('The loom is warped')
})

test('a stop that is pressed before the question has arrived holds', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  const arrives = Promise.withResolvers<undefined>()
  await page.route(/\/api\/conversations\/[^/]+\/messages$/, async (route) => {
    await arrives.promise
    await route.continue()
  })
  await chat.openNew('stalling')
  await chat.send('Never mind')
  await chat.stopButton().click()
  arrives.resolve(undefined)
  await expect(await chat.settled('aborted')).toContainText('Stopped')
})

test('an Escape that an input method has taken stops no answer', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('stalling')
  await chat.send('Go on for ever')
  await expect(chat.answers()).toContainText('The loom is warped')
  await chat.message().dispatchEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true })
  await chat.message().fill('The next question')
  await page.getByRole('button', { name: 'Send' }).click()
  // It waits for an answer that still runs.
  await expect(page.getByText('Sent after this answer')).toBeVisible()
  await page.keyboard.press('Escape')
  await chat.settled('aborted')
})

test('a reload in the middle of an answer takes it up again, and Escape stops it', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('stalling')
  await chat.send('Do not lose me')
  await expect(chat.answers()).toContainText('The loom is warped')

  await page.reload()
  await expect(chat.stopButton()).toBeVisible()
  await expect(chat.answers()).toContainText('The loom is warped')
  // Where something is open, Escape closes that and nothing else.
  await page.keyboard.press('Control+k')
  await expect(page.getByPlaceholder('Search conversations and places')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(chat.stopButton()).toBeVisible()
  await page.keyboard.press('Escape')
  await chat.settled('aborted')
})

test('a provider that refuses is explained, and the same question can be asked again', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('refusing')
  await chat.send('Something forbidden')
  const answer = await chat.settled('error')
  await expect(answer.getByRole('alert')).toContainText('This prompt is not allowed.')

  await chat.chooseModel('demo')
  await answer.getByRole('button', { name: 'Answer again' }).click()
  await expect(await chat.settled()).toContainText('You said: Something forbidden')
  await expect(chat.answers()).toHaveCount(1)
})

test('a new chat clears the view and the old one is a click away', async ({ page, isMobile }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Remember the shuttle')
  await chat.settled()
  await page.locator('main').getByRole('link', { name: 'New chat' }).click()
  await expect(page).toHaveURL(/\/c\/new$/)
  await expect(chat.log()).toHaveCount(0)
  await chat.ready()

  if (isMobile) await page.getByRole('button', { name: 'Open sidebar' }).click()
  await page.getByRole('link', { name: 'Remember the shuttle' }).first().click()
  await expect(await chat.settled()).toContainText('You said: Remember the shuttle')
})

test('a title is renamed where it stands', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('An unhelpful first line')
  await chat.settled()
  await page.getByRole('heading', { level: 1 }).getByRole('button').click()
  await page.getByRole('textbox', { name: 'Title' }).fill('Weaving plan')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Weaving plan')
  await page.reload()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Weaving plan')
})

test('before sending it is told what it will take, and Up brings the last question back', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.message().fill('x'.repeat(300))
  await expect(page.getByText('≈ 100 tokens')).toBeVisible()
  await chat.message().fill('Ask me again')
  await page.getByRole('button', { name: 'Send' }).click()
  await chat.settled()
  await expect(chat.message()).toHaveValue('')
  await chat.message().press('ArrowUp')
  await expect(chat.message()).toHaveValue('Ask me again')
})

test('what was typed survives a reload, each conversation with its own draft', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('First')
  await chat.settled()
  await chat.message().fill('Half a thought')
  await page.reload()
  await expect(chat.message()).toHaveValue('Half a thought')
  await chat.openNew()
  await expect(chat.message()).toHaveValue('')
})

test('on a phone Enter makes a new line, and the button sends', async ({ page, isMobile }) => {
  test.skip(!isMobile, 'a keyboard has Shift for that')
  const chat = new ChatPage(page)
  await chat.openNew()
  await page.keyboard.type('One line')
  await page.keyboard.press('Enter')
  await page.keyboard.type('and another')
  await expect(chat.message()).toHaveValue('One line\nand another')
  await page.getByRole('button', { name: 'Send' }).click()
  await chat.settled()
  await expect(chat.log().getByRole('article', { name: 'You' })).toContainText('and another')
})

test('the view follows the answer until the reader scrolls up, and returns on request', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('long')
  await chat.send('Tell me everything')
  await expect(chat.answers()).toContainText('Line 20:')
  await chat.log().hover()
  await page.mouse.wheel(0, -300)
  const jump = page.getByRole('button', { name: 'Jump to latest' })
  await expect(jump).toBeVisible()
  await chat.settled()
  await expect(jump).toBeVisible()
  await jump.click()
  await expect(jump).toBeHidden()
  await expect(chat.answers().last().getByText('Trace')).toBeInViewport()
})

test('a long conversation opens at its end, and scrolling up brings the older messages', async ({ page, client, mock }) => {
  expect(mock.url).toBeTruthy()
  const { id, projectId } = await startConversation(client)
  for (let turn = 1; turn <= 30; turn += 1) await client.readAll('POST', `/conversations/${id}/messages`, { text: `Question ${turn} of thirty`, model: 'brief' })

  const chat = new ChatPage(page)
  await page.goto(`/projects/${projectId}/c/${id}`)
  await expect(chat.log().getByText('Question 30 of thirty')).toBeInViewport()
  await expect(chat.log().getByText('Question 1 of thirty', { exact: true })).toHaveCount(0)

  // Only what is near the view is in the page.
  await expect.poll(() => chat.log().locator('[data-row]').count()).toBeLessThan(50)
  await chat.scrollUpTo(chat.log().getByText('Question 8 of thirty', { exact: true }), 500)
  await chat.scrollUpTo(chat.log().getByText('Question 1 of thirty', { exact: true }), 500)
  await page.getByRole('button', { name: 'Jump to latest' }).click()
  await expect(chat.log().getByText('Question 30 of thirty')).toBeInViewport()
})

test('what is read stays where it is while an answer streams below it', async ({ page, client, mock }) => {
  expect(mock.url).toBeTruthy()
  const { id, projectId } = await startConversation(client)
  for (let turn = 1; turn <= 10; turn += 1) await client.readAll('POST', `/conversations/${id}/messages`, { text: `Before ${turn}`, model: 'brief' })
  const chat = new ChatPage(page)
  await page.goto(`/projects/${projectId}/c/${id}`)
  await expect(chat.log().getByText('Before 10')).toBeInViewport()
  await chat.chooseModel('long')
  await chat.send('And now much')
  await expect(chat.answers().last()).toContainText('Line 3:')
  const row = chat.log().locator('[data-row]').filter({ hasText: 'Before 9' })
  await chat.scrollUpTo(row, 200)
  const top = () => row.evaluate(element => new Promise<number>(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(element.getBoundingClientRect().top)))))
  let before = await top()
  // Turns of the wheel that a slow machine has gathered are still on their way.
  await expect(async () => {
    const earlier = before
    before = await top()
    expect(before).toBe(earlier)
  }).toPass({ intervals: [100] })
  await chat.settled()
  await expect.poll(async () => Math.abs(await top() - before)).toBeLessThanOrEqual(2)
})

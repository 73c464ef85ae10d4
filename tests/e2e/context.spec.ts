import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

const counting = (inputTokens: number, text: string) => ({ text, usage: { inputTokens, outputTokens: 10 } })

test('a chat that fills its model says so and offers a way on before anything is left out, and then says what was', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  // Nobody has said how much this model reads: it is taken to read 32,000 tokens, and a question to take 24,000 of them.
  await chat.openNew('brief')
  mock.respondWith(counting(12_000, 'Warp.'))
  await chat.send('The first question')
  await chat.settled()
  const wayOn = page.getByRole('button', { name: 'Go on in a new chat, with a summary' })
  await expect(page.getByRole('img', { name: '38% of the context used' })).toBeVisible()
  await expect(wayOn).toHaveCount(0)

  mock.respondWith(counting(20_000, 'Weft.'))
  await chat.send('The second question')
  await expect(chat.answers().last()).toContainText('Weft.')
  const second = await chat.settled()
  await expect(page.getByText('This chat is nearly as long as brief can read.')).toBeVisible()
  await expect(wayOn).toBeVisible()
  await expect(second).not.toContainText('oldest')
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{}, {}, { content: 'The second question' }] })
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/context-${page.viewportSize()?.width}.png` })

  await chat.message().fill('x'.repeat(12_300))
  await expect(page.getByText('The oldest messages are left out')).toBeVisible()
  mock.respondWith(counting(14_000, 'Cloth.'))
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(chat.answers().last()).toContainText('Cloth.')
  await expect(await chat.settled()).toContainText('Without the oldest question')
  await expect(page.getByText('the last answer was written without its oldest question and answer')).toBeVisible()
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ content: 'The second question' }, {}, {}] })
  await expectAccessible(page)

  await wayOn.click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('(continued)')
})

test('a temporary chat says what was left out of it, too', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await page.getByRole('link', { name: 'Temporary' }).click()
  await expect(page.getByText('This chat is kept nowhere')).toBeVisible()
  await chat.ready()
  await chat.chooseModel('brief')
  await chat.send('x'.repeat(60_000))
  await chat.settled()
  await expect(page.getByText('This chat is nearly as long as brief can read.')).toBeVisible()
  mock.respondWith({ text: 'Cloth.' })
  await chat.send('y'.repeat(15_000))
  await expect(chat.answers().last()).toContainText('Cloth.')
  await expect(await chat.settled()).toContainText('Without the oldest question')
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ content: 'y'.repeat(15_000) }] })
})

import { ChatPage } from './chat-page'
import { expectAccessible, expectNoSidewaysScroll } from './expect-accessible'
import { expect, test } from './fixtures'

// The closing animation runs: whoever types at once does not wait for it.
test.use({ reducedMotion: 'no-preference' })

const models = (chat: ChatPage) => chat.page.getByRole('listbox', { name: 'Models' })
const button = (chat: ChatPage) => chat.page.getByRole('button', { name: /^Model:/ })
const search = (chat: ChatPage) => chat.page.getByRole('combobox', { name: 'Find a model' })

test('what is typed the moment a model is chosen is the message', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew()
  for (const model of ['brief', 'stalling', 'long']) {
    await button(chat).click()
    await page.getByRole('option', { name: model }).click()
    await page.keyboard.type(`to ${model} `)
  }
  await expect(chat.message()).toHaveValue('to brief to stalling to long ')
  await expect(chat.message()).toBeFocused()
  await expect(models(chat)).toBeHidden()
  await expect(button(chat)).toHaveAccessibleName('Model: long')
})

test('a model is found, chosen and typed to without a mouse', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew()
  await button(chat).focus()
  await page.keyboard.press('Enter')
  await expect(search(chat)).toBeFocused()
  await page.keyboard.type('no such model')
  await expect(page.getByText('No model matches “no such model”')).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(search(chat)).toBeFocused()

  await search(chat).fill('stalling')
  await expect(models(chat).getByRole('option')).toHaveCount(1)
  await page.keyboard.press('Enter')
  await page.keyboard.type('Hello')
  await expect(chat.message()).toHaveValue('Hello')
  await expect(button(chat)).toHaveAccessibleName('Model: stalling')

  await button(chat).focus()
  await page.keyboard.press('Enter')
  await expect(search(chat)).toBeFocused()
  await expect(models(chat).getByRole('option', { selected: true })).toContainText('stalling')
  await page.keyboard.press('Home')
  const first = models(chat).getByRole('option').first()
  await expect(search(chat)).toHaveAttribute('aria-activedescendant', await first.getAttribute('id') ?? '')
  await page.keyboard.press('ArrowDown')
  await expect(search(chat)).not.toHaveAttribute('aria-activedescendant', await first.getAttribute('id') ?? '')
  await page.keyboard.press('Escape')
  await expect(button(chat)).toBeFocused()
  await expect(models(chat)).toBeHidden()
  await expect(button(chat)).toBeFocused()
  await expect(button(chat)).toHaveAccessibleName('Model: stalling')
})

for (const colorScheme of ['dark', 'light'] as const) {
  test(`the open model picker is accessible in the ${colorScheme}`, async ({ page, mock }) => {
    expect(mock.url).toBeTruthy()
    await page.addInitScript(scheme => localStorage.setItem('nuxt-color-mode', scheme), colorScheme)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const chat = new ChatPage(page)
    await chat.openNew()
    await button(chat).click()
    await expect(models(chat)).toBeVisible()
    await expectAccessible(page)
    await expectNoSidewaysScroll(page)
    await search(chat).fill('no such model')
    await expect(models(chat)).toBeHidden()
    await expectAccessible(page)
  })
}

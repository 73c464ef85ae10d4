import type { Page } from '@playwright/test'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

test.skip(({ isMobile }) => isMobile, 'a phone has no keyboard')

/** Moves on with Tab until the focus is on what is called `name`. */
async function tabTo(page: Page, role: 'link' | 'button', name: string | RegExp) {
  const target = page.getByRole(role, { name }).first()
  await expect(target).toBeVisible()
  for (let steps = 0; steps < 60; steps += 1) {
    if (await target.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  await expect(target).toBeFocused()
}

test('everything from the projects to an answer works without a mouse', async ({ page }) => {
  await page.goto('/projects')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await tabTo(page, 'button', 'New project')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused()
  await page.keyboard.type('By keyboard')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'By keyboard' })).toBeVisible()

  await tabTo(page, 'link', 'New chat')
  await page.keyboard.press('Enter')
  const chat = new ChatPage(page)
  await chat.ready()
  await page.keyboard.type('One line')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('and another')
  await expect(chat.message()).toHaveValue('One line\nand another')
  await page.keyboard.press('Enter')
  await chat.settled()
  await expect(chat.message()).toBeFocused()
})

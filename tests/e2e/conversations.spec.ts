import { Conversation } from '../../shared/conversations'
import { ProjectPage } from '../../shared/projects'
import type { Page } from '@playwright/test'
import type { ChatClient } from '../support/chat-client'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

async function startConversation(client: ChatClient, title: string): Promise<Conversation> {
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  return Conversation.parse(await client.post(`/projects/${project?.id}/conversations`, { title }))
}

async function openSearch(page: Page, isMobile: boolean) {
  if (!isMobile) return page.keyboard.press('Control+k')
  await page.getByRole('button', { name: 'Open sidebar' }).click()
  await page.getByRole('button', { name: 'Search' }).click()
}

test('a word in an old message is found, and the hit leads to that very message', async ({ page, client, mock, isMobile }) => {
  expect(mock.url).toBeTruthy()
  const word = `zettel${isMobile ? 'phone' : 'desktop'}`
  const conversation = await startConversation(client, 'A long talk')
  for (let turn = 1; turn <= 30; turn += 1) {
    await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: turn === 2 ? `The ${word} is here` : `Question ${turn}`, model: 'brief' })
  }
  await page.goto('/dashboard')
  await openSearch(page, isMobile)
  await page.getByPlaceholder('Search conversations and places').fill(word)
  const hit = page.getByRole('option', { name: 'A long talk' })
  await expect(hit.locator('mark')).toHaveText(word)
  await hit.click()
  await expect(page).toHaveURL(new RegExp(`/c/${conversation.id}\\?message=`))
  await expect(new ChatPage(page).log().getByText(`The ${word} is here`)).toBeInViewport()
})

test('a conversation is archived from the sidebar, found in the archive, and comes back by undo', async ({ page, client, isMobile }) => {
  const title = `To put away ${isMobile ? 'phone' : 'desktop'}`
  const conversation = await startConversation(client, title)
  await page.goto(`/projects/${conversation.projectId}`)
  const list = page.getByRole('region', { name: 'Conversations', exact: true }).locator('visible=true').last()
  await list.getByRole('button', { name: `Actions for ${title}` }).click()
  await page.getByRole('menuitem', { name: 'Archive' }).click()
  await expect(list.getByRole('link', { name: title })).toHaveCount(0)
  await page.getByRole('button', { name: 'Archive', exact: true }).click()
  // A notice stays while it is pointed at.
  await page.getByRole('button', { name: 'Undo' }).first().hover()
  await expect(page.getByRole('main').getByRole('link', { name: title })).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).first().click()
  await expect(page.getByRole('main').getByRole('link', { name: title })).toHaveCount(0)
  await page.getByRole('button', { name: 'Back to all' }).click()
  await expect(page.getByRole('main').getByRole('link', { name: title })).toBeVisible()
})

test('a conversation is renamed in the sidebar, under today, and a copy of it opens', async ({ page, client, isMobile }) => {
  test.skip(isMobile, 'the menu is the same; the sidebar stands beside the page only on a desktop')
  const conversation = await startConversation(client, 'Before')
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Keep this', model: 'demo' })
  await page.goto(`/projects/${conversation.projectId}/c/${conversation.id}`)
  const sidebar = page.getByRole('navigation', { name: 'Main' })
  await expect(sidebar.getByRole('heading', { name: 'Today' })).toBeVisible()
  await sidebar.getByRole('link', { name: 'Before', exact: true }).hover()
  await sidebar.getByRole('button', { name: 'Actions for Before', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await expect(sidebar.getByRole('textbox', { name: 'Title' })).toBeFocused()
  await page.keyboard.type('After')
  await page.keyboard.press('Enter')
  await expect(sidebar.getByRole('link', { name: 'After', exact: true })).toBeFocused()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('After')

  await sidebar.getByRole('link', { name: 'After', exact: true }).hover()
  await sidebar.getByRole('button', { name: 'Actions for After', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Duplicate' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('After (copy)')
  await expect(new ChatPage(page).log().getByText('Keep this', { exact: true }).first()).toBeVisible()
})

test('a conversation is renamed where its title stands in the sidebar, by keyboard alone', async ({ page, client, isMobile }) => {
  const conversation = await startConversation(client, 'Old name')
  await page.goto(`/projects/${conversation.projectId}/c/${conversation.id}`)
  await new ChatPage(page).ready()
  if (isMobile) await page.getByRole('button', { name: 'Open sidebar' }).click()
  const sidebar = page.getByRole('navigation', { name: 'Main' }).locator('visible=true')
  const field = sidebar.getByRole('textbox', { name: 'Title' })
  const link = (name: string) => sidebar.getByRole('link', { name, exact: true })
  const begin = async (name: string) => {
    await sidebar.getByRole('button', { name: `Actions for ${name}`, exact: true }).press('Enter')
    await page.getByRole('menuitem', { name: 'Rename' }).press('Enter')
    await expect(field).toBeFocused()
    await expect(field).toHaveValue(name)
  }

  await begin('Old name')
  await field.fill('Never kept')
  // An input method's own keys end a word, not the name.
  for (const key of ['Enter', 'Escape']) await field.dispatchEvent('keydown', { key, isComposing: true, bubbles: true })
  await expect(field).toHaveValue('Never kept')
  await expect(field).toBeFocused()
  await field.press('Escape')
  await expect(link('Old name')).toBeFocused()

  await begin('Old name')
  await field.fill('  ')
  await field.press('Enter')
  await expect(field).toBeFocused()
  await expect(field).toHaveAttribute('aria-invalid', 'true')
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/rename-empty-${page.viewportSize()?.width}.png` })
  await field.fill('New name')
  await field.press('Tab')
  await expect(link('New name')).toBeVisible()
  await expect(field).toHaveCount(0)

  // What is not kept is not lost.
  await begin('New name')
  await page.route(/\/api\/conversations\/[^/]+$/, route => route.fulfill({ status: 503, json: { error: { code: 'service_unavailable', message: 'Loom is stopping.', param: null } } }))
  await field.fill('Kept in the end')
  await field.press('Enter')
  await expect(page.getByText('Loom is stopping.').first()).toBeVisible()
  await expect(field).toHaveValue('Kept in the end')
  await page.unroute(/\/api\/conversations\/[^/]+$/)
  await field.press('Enter')
  await expect(link('Kept in the end')).toBeFocused()
  expect(Conversation.parse(await client.get(`/conversations/${conversation.id}`)).title).toBe('Kept in the end')
})

test('a conversation is renamed where its title stands, in its project\'s list and in its own header', async ({ page, client }) => {
  const conversation = await startConversation(client, 'First name')
  await page.goto(`/projects/${conversation.projectId}`)
  const main = page.getByRole('main')
  const field = main.getByRole('textbox', { name: 'Title' })
  const rename = async (from: string, to: string) => {
    await main.getByRole('button', { name: `Actions for ${from}`, exact: true }).click()
    await page.getByRole('menuitem', { name: 'Rename' }).click()
    await expect(field).toBeFocused()
    await page.screenshot({ path: `.cache/test/shots/rename-${from.replace(' ', '-')}-${page.viewportSize()?.width}.png` })
    await field.fill(to)
    await field.press('Enter')
  }
  await rename('First name', 'Second name')
  await expect(main.getByRole('link', { name: 'Second name', exact: true })).toBeFocused()
  await main.getByRole('link', { name: 'Second name', exact: true }).click()
  await new ChatPage(page).ready()
  await rename('Second name', 'Third name')
  await expect(main.getByRole('heading', { level: 1 }).getByRole('button')).toBeFocused()
  await expect(main.getByRole('heading', { level: 1 })).toContainText('Third name')
})

import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { ConversationExport } from '../../shared/conversation-export'
import { Conversation } from '../../shared/conversations'
import { Project } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

/** A project of its own with conversations of these titles. */
async function makeProject(client: ChatClient, name: string, titles: string[]): Promise<Project> {
  const project = Project.parse(await client.post('/projects', { name }))
  for (const title of titles) await client.post(`/projects/${project.id}/conversations`, { title, model: 'demo' })
  return project
}

const notice = (page: Page, text: string) => page.locator('li').filter({ hasText: text })

test.describe('the menu in the sidebar', () => {
  test.skip(({ isMobile }) => isMobile, 'the menu is the same; the sidebar stands beside the page only on a desktop')

  const sidebarOf = (page: Page) => page.getByRole('navigation', { name: 'Main' })
  const titlesIn = (page: Page) => sidebarOf(page).getByRole('region', { name: 'Conversations' }).getByRole('link')
  async function choose(page: Page, title: string, ...items: string[]) {
    const row = sidebarOf(page).getByRole('link', { name: title, exact: true })
    await row.hover()
    await sidebarOf(page).getByRole('button', { name: `Actions for ${title}`, exact: true }).click()
    for (const item of items.slice(0, -1)) await page.getByRole('menuitem', { name: item }).press('ArrowRight')
    await page.getByRole('menuitem', { name: items.at(-1), exact: true }).click()
  }

  test('pins a conversation above the others, and lets it go again', async ({ page, client }) => {
    const project = await makeProject(client, 'Pins', ['Oldest', 'Middle', 'Newest'])
    await page.goto(`/projects/${project.id}`)
    await expect(titlesIn(page)).toHaveText(['Newest', 'Middle', 'Oldest'])
    await choose(page, 'Oldest', 'Pin')
    await expect(titlesIn(page)).toHaveText(['Oldest', 'Newest', 'Middle'])
    await expect(sidebarOf(page).getByRole('heading', { name: 'Pinned' })).toBeVisible()
    await page.reload()
    await expect(titlesIn(page)).toHaveText(['Oldest', 'Newest', 'Middle'])
    await choose(page, 'Oldest', 'Unpin')
    await expect(titlesIn(page)).toHaveText(['Newest', 'Middle', 'Oldest'])
  })

  test('moves the conversation on the screen to another project, and the screen with it', async ({ page, client }) => {
    const [from, to] = [await makeProject(client, 'From here', ['To move', 'To stay']), await makeProject(client, 'Over there', [])]
    await page.goto(`/projects/${from.id}`)
    await titlesIn(page).filter({ hasText: 'To move' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toContainText('To move')
    await choose(page, 'To move', 'Move to', 'Over there')
    await expect(page).toHaveURL(new RegExp(`/projects/${to.id}/c/`))
    await expect(titlesIn(page)).toHaveText(['To move'])
    await page.goto(`/projects/${from.id}`)
    await expect(titlesIn(page)).toHaveText(['To stay'])
  })

  test('deletes the conversation on the screen, and brings it back by undo', async ({ page, client }) => {
    const project = await makeProject(client, 'Deletions', ['Kept', 'Deleted'])
    await page.goto(`/projects/${project.id}`)
    await titlesIn(page).filter({ hasText: 'Deleted' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Deleted')
    await choose(page, 'Deleted', 'Delete')
    await expect(page).toHaveURL(new RegExp(`/projects/${project.id}$`))
    await expect(titlesIn(page)).toHaveText(['Kept'])
    await notice(page, 'Deleted “Deleted”').getByRole('button', { name: 'Undo' }).click()
    await expect(titlesIn(page)).toHaveText(['Deleted', 'Kept'])
    await page.reload()
    await expect(titlesIn(page)).toHaveText(['Deleted', 'Kept'])
  })
})

test('a conversation is exported as Markdown and as JSON from its own menu', async ({ page, client }) => {
  const project = await makeProject(client, 'Exports', [])
  const conversation = Conversation.parse(await client.post(`/projects/${project.id}/conversations`, { title: 'To keep', model: 'demo', systemPrompt: 'Be brief.' }))
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Take this down' })
  await page.goto(`/projects/${project.id}/c/${conversation.id}`)
  await new ChatPage(page).settled()
  const exportAs = async (format: string) => {
    await page.getByRole('main').getByRole('button', { name: 'Actions for To keep' }).click()
    await page.getByRole('menuitem', { name: 'Export' }).press('ArrowRight')
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: format }).click()])
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') }
  }
  const markdown = await exportAs('Markdown')
  expect(markdown.name).toBe('conversation.md')
  expect(markdown.text).toMatch(/^# To keep\n\n## Question\n\nTake this down\n/)
  const json = await exportAs('JSON')
  expect(json.name).toBe('conversation.json')
  expect(ConversationExport.parse(JSON.parse(json.text))).toMatchObject({ title: 'To keep', systemPrompt: 'Be brief.', messages: [{ role: 'user' }, { role: 'assistant' }] })
})

test('many conversations are deleted together, moved together, and each comes back by undo', async ({ page, client, isMobile }) => {
  const elsewhere = `Other shelf ${isMobile ? 'phone' : 'desktop'}`
  const [project] = [await makeProject(client, 'Many', ['One', 'Two', 'Three']), await makeProject(client, elsewhere, [])]
  await page.goto(`/projects/${project.id}`)
  const main = page.getByRole('main')
  const links = main.getByRole('listitem').getByRole('link')
  const bar = page.getByRole('toolbar', { name: 'With the chosen conversations' })
  const tick = async () => {
    for (const title of ['One', 'Two']) await main.getByRole('checkbox', { name: `Choose ${title}` }).check()
    await expect(bar).toContainText('2 chosen')
  }
  await tick()
  await bar.getByRole('button', { name: 'Delete' }).click()
  await expect(links).toHaveText(['Three'])
  await notice(page, 'Deleted 2 conversations').getByRole('button', { name: 'Undo' }).click()
  await expect(links).toHaveText(['Three', 'Two', 'One'])

  await tick()
  await bar.getByRole('button', { name: 'Move' }).click()
  await page.getByRole('menuitem', { name: elsewhere }).click()
  await expect(links).toHaveText(['Three'])
  await notice(page, elsewhere).getByRole('button', { name: 'Undo' }).click()
  await expect(links).toHaveText(['Three', 'Two', 'One'])
})

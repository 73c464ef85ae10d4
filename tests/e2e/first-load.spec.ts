import { Conversation } from '../../shared/conversations'
import { ProjectPage } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { measureScripts } from '../support/measure-scripts'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

/** Of scripts on the wire, headers included. */
const FIRST_LOAD_MAX = 250 * 1024

async function startConversation(client: ChatClient): Promise<Conversation> {
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  return Conversation.parse(await client.post(`/projects/${project?.id}/conversations`))
}

test.beforeEach(({ isMobile }) => test.skip(isMobile, 'the same scripts are loaded on a phone'))

test('an empty chat can be written in within 250 KB of scripts', async ({ page, client }) => {
  const { projectId } = await startConversation(client)
  const chat = new ChatPage(page)
  const bytes = await measureScripts(page, `/projects/${projectId}/c/new`, () => chat.ready())
  expect(bytes).toBeGreaterThan(100 * 1024)
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_MAX)
})

test('a conversation not seen before, opened by its address, shows its Markdown, and can be gone on with, within 250 KB of scripts', async ({ page, client, mock }) => {
  expect(mock.url).toBeTruthy()
  const { id, projectId } = await startConversation(client)
  await client.readAll('POST', `/conversations/${id}/messages`, { text: 'Teach me', model: 'tabular' })
  const chat = new ChatPage(page)
  const seen = page.waitForResponse(response => response.url().endsWith(`/conversations/${id}/seen`))
  const bytes = await measureScripts(page, `/projects/${projectId}/c/${id}`, async () => {
    await expect(chat.answers().getByRole('table')).toBeVisible()
    await chat.ready()
    expect((await seen).ok()).toBe(true)
  })
  expect(bytes).toBeGreaterThan(100 * 1024)
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_MAX)
})

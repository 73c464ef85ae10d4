import { Conversation } from '../../shared/conversations'
import { Project } from '../../shared/projects'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

let made: Project | undefined
// Others begin in the project last used: they would begin with its settings.
test.afterEach(async ({ client }) => {
  await client.call('DELETE', `/projects/${made?.id}`)
})

test('the settings of a project are kept, and its conversations begin with them', async ({ page, client, mock }) => {
  const project = Project.parse(await client.post('/projects', { name: 'Before' }))
  made = project
  await page.goto(`/projects/${project.id}`)
  const main = page.getByRole('main')
  await main.getByRole('button', { name: 'Settings' }).click()
  const settings = page.getByRole('dialog', { name: 'Project settings' })
  await settings.getByLabel('Name').fill('After')
  await settings.getByLabel('Description').fill('What it is for')
  await settings.getByLabel('Instructions').fill('Speak as a weaver.')
  await settings.getByLabel('Default model').click()
  await page.getByRole('option', { name: 'brief', exact: true }).click()
  // The list takes the focus back when it closes, and with it what would be typed meanwhile.
  await expect(page.getByRole('listbox')).toHaveCount(0)
  await settings.getByLabel('Temperature').fill('0.2')
  await expectAccessible(page)
  await settings.getByRole('button', { name: 'Save' }).click()
  await expect(settings).toHaveCount(0)
  await expect(main.getByText('What it is for')).toBeVisible()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('After')

  await page.reload()
  const chat = new ChatPage(page)
  await chat.send('What is a heddle?')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ model: 'brief', temperature: 0.2, messages: [{ role: 'system', content: 'Speak as a weaver.' }, { role: 'user' }] })
  const { conversations: [begun] } = Object(await client.get(`/projects/${project.id}/conversations`))
  expect(Conversation.parse(begun)).toMatchObject({ model: 'brief' })

  await main.getByRole('button', { name: 'Chat settings' }).click()
  await expect(page.getByRole('dialog').getByText('Instructions of After')).toBeVisible()
})

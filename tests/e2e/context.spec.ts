import { Project } from '../../shared/projects'
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
  await chat.openTemporary('brief')
  await chat.send('x'.repeat(60_000))
  await chat.settled()
  await expect(page.getByText('This chat is nearly as long as brief can read.')).toBeVisible()
  mock.respondWith({ text: 'Cloth.' })
  await chat.send('y'.repeat(15_000))
  await expect(chat.answers().last()).toContainText('Cloth.')
  await expect(await chat.settled()).toContainText('Without the oldest question')
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ content: 'y'.repeat(15_000) }] })
})

test.describe('a project with instructions and files', () => {
  let made: Project | undefined
  // Others begin in the project last used: its file would go to their models.
  test.afterEach(async ({ client }) => {
    await client.call('DELETE', `/projects/${made?.id}`)
  })

  test('has them counted, with the prompt, before anything is sent', async ({ page, client, mock }) => {
    // At three characters a token: 1,500 tokens of instructions, 3,000 of a file and 37 of the words around it.
    const project = Project.parse(await client.post('/projects', { name: 'Counted', instructions: 'i'.repeat(4_500), defaultModel: 'brief' }))
    made = project
    await client.fetch('POST', `/projects/${project.id}/files?name=notes.txt&inProject=true`, 'n'.repeat(9_000), undefined, { 'content-type': 'text/plain' })
    const chat = new ChatPage(page)
    await page.goto(`/projects/${project.id}/c/new`)
    await chat.ready()
    await expect(page.getByRole('img', { name: '14% of the context used: 4,537 of 32K tokens' })).toBeVisible()
    await chat.message().fill('x'.repeat(3_000))
    await expect(page.getByText('≈ 5,537 tokens')).toBeVisible()
    mock.respondWith(counting(5_490, 'Cloth.'))
    await page.getByRole('button', { name: 'Send' }).click()
    await chat.settled()
    // As the provider has counted it.
    await expect(page.getByRole('img', { name: '17% of the context used: 5,500 of 32K tokens' })).toBeVisible()
    expect(JSON.stringify(mock.requests.at(-1)?.json)).toContain('n'.repeat(9_000))

    // A temporary chat is given the instructions alone.
    await page.goto(`/projects/${project.id}/c/temporary`)
    await expect(page.getByRole('img', { name: '5% of the context used: 1,500 of 32K tokens' })).toBeVisible()
    await page.goto(`/projects/${project.id}`)
    await expect(page.getByRole('img', { name: '14% of the context used' })).toBeVisible()
  })
})

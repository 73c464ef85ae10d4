import { Conversation } from '../../shared/conversations'
import { CreatedInvitation, MemberPage } from '../../shared/identity'
import { Project } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { PASSWORD } from '../support/visitor'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test, waitUntilAlive } from './fixtures'

let made: Project | undefined
// Others begin in the project last used: its file would go to their models.
test.afterEach(async ({ client }) => {
  await client.call('DELETE', `/projects/${made?.id}`)
})

/** A project with a file, and a conversation whose question was answered twice. */
async function makeProject(client: ChatClient) {
  const project = Project.parse(await client.post('/projects', { name: 'To look at' }))
  made = project
  const conversation = Conversation.parse(await client.post(`/projects/${project.id}/conversations`, { title: 'Only look', model: 'brief' }))
  const { message } = await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'What is here?' })
  await client.readAll('POST', `/conversations/${conversation.id}/messages/${message?.id}/retry`, {})
  await client.fetch('POST', `/projects/${project.id}/files?name=notes.txt&inProject=true`, 'Notes', undefined, { 'content-type': 'text/plain' })
  const archived = Conversation.parse(await client.post(`/projects/${project.id}/conversations`, { title: 'Put away' }))
  await client.call('PATCH', `/conversations/${archived.id}`, { archived: true })
  return { project, conversation, message }
}

for (const role of ['viewer', 'member'] as const) {
  test(`a ${role} of the organisation who only reads in a project sees all of it and is offered nothing they may not do`, async ({ browser, client, loom, mock, viewport }) => {
    expect(mock.url).toBeTruthy()
    const { project, conversation, message } = await makeProject(client)
    const email = `${role}-${crypto.randomUUID()}@example.com`
    const { token } = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role }))
    const page = await (await browser.newContext({ baseURL: loom.url, viewport, storageState: { cookies: [], origins: [] } })).newPage()
    waitUntilAlive(page)
    await page.request.post(`/api/invitations/${token}/accept`, { data: { name: 'Vera', password: PASSWORD }, headers: { origin: loom.url } })
    if (role === 'member') {
      const { members: [member] } = MemberPage.parse(await client.get(`/orgs/current/members?search=${email}`))
      await client.call('PUT', `/projects/${project.id}/members/${member?.userId}`, { role: 'viewer' })
      await client.call('PATCH', `/projects/${project.id}`, { access: 'members' })
    }
    const main = page.getByRole('main')
    const expectNone = (name: string | RegExp) => expect(main.getByRole('button', { name }), String(name)).toHaveCount(0)

    await page.goto(`/projects/${project.id}`)
    await expect(main.getByText('You can read what is here.')).toBeVisible()
    await expect(main.getByRole('link', { name: 'notes.txt' })).toBeVisible()
    for (const name of ['Import a conversation', 'Settings', 'Add files', 'Remove notes.txt', /^Actions for To look at/]) await expectNone(name)
    await expect(main.getByRole('combobox', { name: 'Add a member' })).toHaveCount(0)
    await expect(main.getByRole('checkbox')).toHaveCount(0)
    await main.getByRole('button', { name: 'Archive', exact: true }).click()
    await expect(main.getByRole('link', { name: 'Put away' })).toBeVisible()
    await expect(main.getByRole('checkbox')).toHaveCount(0)

    await page.goto(`/projects/${project.id}/c/${conversation.id}`)
    await expect(main.getByText('You can read this conversation.')).toBeVisible()
    const answer = await new ChatPage(page).settled()
    await expect(answer.getByRole('group', { name: 'Versions' })).toHaveText('2/2')
    for (const name of [/rename/, 'Chat settings', 'New chat', 'Edit message', 'Answer again', 'Good answer', 'Send']) await expectNone(name)
    await expect(main.getByRole('textbox')).toHaveCount(0)
    await expectAccessible(page)
    await page.screenshot({ path: `.cache/test/shots/reader-${page.viewportSize()?.width}.png` })
    await answer.getByRole('button', { name: 'More about this answer' }).click()
    await expect(page.getByRole('menuitem')).toHaveText([/curl/, /JavaScript/, /Python/])
    await page.keyboard.press('Escape')

    // The other version is looked at, by the arrows or from a search, and stays the other one for everybody else.
    const shown = await client.get(`/conversations/${conversation.id}/messages`)
    const look = main.getByText('You are looking at another branch.')
    await main.getByRole('button', { name: 'Previous version' }).click()
    await expect(main.getByRole('group', { name: 'Versions' })).toHaveText('1/2')
    await expect(look).toBeVisible()
    await expectNone('Switch to it')
    await page.screenshot({ path: `.cache/test/shots/reader-look-${page.viewportSize()?.width}.png` })
    await main.getByRole('button', { name: 'Next version' }).click()
    await expect(main.getByRole('group', { name: 'Versions' })).toHaveText('2/2')
    await expect(look).toHaveCount(0)
    await page.goto(`/projects/${project.id}/c/${conversation.id}?message=${message?.id}`)
    await expect(look).toBeVisible()
    await expect(main.getByRole('group', { name: 'Versions' })).toHaveText('1/2')
    await main.getByRole('button', { name: 'Back', exact: true }).click()
    await expect(main.getByRole('group', { name: 'Versions' })).toHaveText('2/2')
    expect(await client.get(`/conversations/${conversation.id}/messages`)).toEqual(shown)

    await main.getByRole('button', { name: 'Actions for Only look' }).click()
    await expect(page.getByRole('menuitem')).toHaveText([/Export/])
    await page.keyboard.press('Escape')
    await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'New chat' })).toHaveCount(0)

    for (const place of ['new', 'temporary']) {
      await page.goto(`/projects/${project.id}/c/${place}`)
      await expect(main.getByText('You can read what is here.')).toBeVisible()
      await expect(main.getByRole('textbox')).toHaveCount(0)
    }
    await page.context().close()
  })
}

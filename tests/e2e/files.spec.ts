import type { Page } from '@playwright/test'
import { PIXEL } from '../support/file-client'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

async function attach(page: Page, name: string, buffer: Buffer, mimeType: string) {
  const chosen = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Attach files' }).click()
  await (await chosen).setFiles({ name, mimeType, buffer })
}

const remove = (page: Page, name: string) => page.getByRole('button', { name: `Remove ${name}` })

test('an image and a text go with a message, survive a reload before, and stand in the thread after', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await attach(page, 'loom.png', PIXEL, 'image/png')
  await expect(remove(page, 'loom.png')).toBeVisible()
  await attach(page, 'notes.md', Buffer.from('# Notes'), 'text/markdown')
  await expect(remove(page, 'notes.md')).toBeVisible()
  await expect(page.getByText('cannot see images or PDFs')).toBeVisible()
  await expectAccessible(page)

  await page.reload()
  await chat.ready()
  await expect(remove(page, 'loom.png')).toBeVisible()
  await chat.send('Look at these')
  await chat.settled()
  await expect(remove(page, 'loom.png')).toBeHidden()
  await expect.poll(() => chat.log().getByRole('img', { name: 'loom.png' }).evaluate(image => image instanceof HTMLImageElement && image.naturalWidth)).toBe(1)
  // At the end of the thread, where the composer covers nothing.
  await expectAccessible(page)
  const download = page.waitForEvent('download')
  await chat.log().getByRole('article', { name: 'You' }).getByRole('link', { name: 'notes.md' }).click()
  expect((await download).suggestedFilename()).toBe('notes.md')
  await chat.log().getByRole('button', { name: 'Show loom.png' }).click()
  await expect(page.getByRole('dialog', { name: 'loom.png' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog', { name: 'loom.png' })).toBeHidden()
})

test('a pasted megabyte becomes a file, and the page goes on', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.message().evaluate((field) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', 'warp and weft\n'.repeat(75_000))
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  })
  await expect(remove(page, 'pasted.txt')).toBeVisible()
  await expect(chat.message()).toHaveValue('')
  await remove(page, 'pasted.txt').click()
  await expect(remove(page, 'pasted.txt')).toBeHidden()
})

test('a dropped file is attached, and one that is not what it says is refused in plain words', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  const drop = (name: string, type: string, text: string) => page.evaluate(([name, type, text]) => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([text], name, { type }))
    for (const event of ['dragenter', 'drop']) document.body.dispatchEvent(new DragEvent(event, { dataTransfer, bubbles: true, cancelable: true }))
  }, [name, type, text] as const)
  await drop('plan.txt', 'text/plain', 'The plan')
  await expect(remove(page, 'plan.txt')).toBeVisible()
  await drop('cat.png', 'image/png', '<html></html>')
  await expect(page.getByText('is not the image it says it is').first()).toBeVisible()
  await remove(page, 'plan.txt').click()
})

test('files are given to a project, taken away, and brought back', async ({ page }) => {
  await page.goto('/projects')
  await page.locator('main').getByRole('link').first().click()
  const section = page.getByRole('region', { name: 'Files' })
  const chosen = page.waitForEvent('filechooser')
  await section.getByRole('button', { name: 'Add files' }).click()
  await (await chosen).setFiles({ name: 'glossary.md', mimeType: 'text/markdown', buffer: Buffer.from('Warp: the threads that stand.') })
  await expect(section.getByRole('link', { name: 'glossary.md' })).toBeVisible()
  await expectAccessible(page)
  await section.getByRole('button', { name: 'Remove glossary.md' }).click()
  await expect(section.getByRole('link', { name: 'glossary.md' })).toBeHidden()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(section.getByRole('link', { name: 'glossary.md' })).toBeVisible()
  await section.getByRole('button', { name: 'Remove glossary.md' }).click()
  await expect(section.getByRole('link', { name: 'glossary.md' })).toBeHidden()
})

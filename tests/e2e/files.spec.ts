import type { Locator, Page } from '@playwright/test'
import { PIXEL } from '../support/file-client'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

async function attach(page: Page, name: string, buffer: Buffer, mimeType: string) {
  const chosen = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Attach files' }).click()
  await (await chosen).setFiles({ name, mimeType, buffer })
}

/** Pastes into a field; a browser enters nothing by itself for an event of a script. */
const paste = (field: Locator, text: string) => field.evaluate((field, text) => {
  const clipboardData = new DataTransfer()
  clipboardData.setData('text/plain', text)
  return { leftToField: field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })) }
}, text)

const drop = (page: Page, name: string, type: string, text: string) => page.evaluate(([name, type, text]) => {
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([text], name, { type }))
  for (const event of ['dragenter', 'drop']) document.body.dispatchEvent(new DragEvent(event, { dataTransfer, bubbles: true, cancelable: true }))
}, [name, type, text] as const)

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

test('a large photo goes out no larger than models look at, a small one as it is', async ({ page }) => {
  const paint = (width: number, height: number) => page.evaluate(async ([width, height]) => {
    const canvas = new OffscreenCanvas(width, height)
    canvas.getContext('2d')?.fillRect(0, 0, width, height)
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg' })).arrayBuffer())]
  }, [width, height] as const)
  const chat = new ChatPage(page)
  await chat.openNew()
  await attach(page, 'small.jpg', Buffer.from(await paint(640, 480)), 'image/jpeg')
  await expect(remove(page, 'small.jpg')).toBeVisible()
  await expect(page.getByText('pixels a side')).toBeHidden()
  await attach(page, 'photo.jpg', Buffer.from(await paint(4_000, 3_000)), 'image/jpeg')
  await expect(remove(page, 'photo.jpg')).toBeVisible()
  await expect(page.getByText('at most 1,920 pixels a side')).toBeVisible()
  await chat.send('Look at these')
  await chat.settled()
  const sizeOf = (name: string) => chat.log().getByRole('img', { name }).evaluate(image => image instanceof HTMLImageElement ? [image.naturalWidth, image.naturalHeight] : [])
  await expect.poll(() => sizeOf('photo.jpg')).toEqual([1_920, 1_440])
  await expect.poll(() => sizeOf('small.jpg')).toEqual([640, 480])
})

test('a picture that a model makes stands in its answer, and opens large', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('painter')
  await chat.send('Draw')
  const answer = await chat.settled()
  const picture = answer.getByRole('img', { name: 'picture.png' })
  await expect.poll(() => picture.evaluate(image => image instanceof HTMLImageElement && image.naturalWidth)).toBe(1)
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/picture-${page.viewportSize()?.width}.png` })
  await answer.getByRole('button', { name: 'Show picture.png' }).click()
  await expect(page.getByRole('dialog', { name: 'picture.png' })).toBeVisible()
  await page.keyboard.press('Escape')
  await page.reload()
  await expect((await chat.settled()).getByRole('img', { name: 'picture.png' })).toBeVisible()
})

test('the model picker tells what each model can do', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await page.getByRole('button', { name: /^Model/ }).click()
  await expect(page.getByRole('option', { name: 'demo-reasoning' })).toContainText('Thinks before it answers')
  await expect(page.getByRole('option', { name: 'demo-reasoning' })).toContainText('Calls tools')
  await expect(page.getByRole('option', { name: 'demo-reasoning' })).toContainText(/context · \$/)
})

test('a pasted megabyte becomes a file, and the page goes on', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await paste(chat.message(), 'warp and weft\n'.repeat(75_000))
  await expect(remove(page, 'pasted.txt')).toBeVisible()
  await expect(chat.message()).toHaveValue('')
  await remove(page, 'pasted.txt').click()
  await expect(remove(page, 'pasted.txt')).toBeHidden()
})

test('a pasted text that cannot be attached comes back into the field', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.message().fill('Sum this up:')
  await page.route('**/api/projects/*/files?*', route => route.abort())
  const text = 'warp and weft\n'.repeat(2_000)
  await paste(chat.message(), text)
  await expect(page.getByText('“pasted.txt” was not attached.').first()).toBeVisible()
  await expect(chat.message()).toHaveValue(`Sum this up:\n\n${text}`)
})

test('a draft of a file alone keeps the model chosen for it over a reload', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew('demo-reasoning')
  await attach(page, 'plan.txt', Buffer.from('The plan'), 'text/plain')
  await expect(remove(page, 'plan.txt')).toBeVisible()
  // Twice: what was kept must be kept on.
  for (const visit of ['second', 'third']) {
    await page.reload()
    await expect(remove(page, 'plan.txt'), visit).toBeVisible()
    await expect(page.getByRole('button', { name: 'Model: demo-reasoning' }), visit).toBeVisible()
  }
  await remove(page, 'plan.txt').click()
})

test('a temporary chat leaves a long paste to the field, and says that it takes no files', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openTemporary()
  expect(await paste(chat.message(), 'warp and weft\n'.repeat(2_000))).toEqual({ leftToField: true })
  await drop(page, 'plan.txt', 'text/plain', 'The plan')
  await expect(page.getByText('No file was attached.').first()).toBeVisible()
  await expect(page.getByText('so it takes no files').first()).toBeVisible()
  await expect(remove(page, 'plan.txt')).toHaveCount(0)
})

test('a paste that a field cannot hold whole is refused in words where it can be no file, and cuts nothing', async ({ page }) => {
  const megabyte = 'warp and weft\n'.repeat(75_000)
  const refusal = page.getByText('A message holds 200,000 characters; 1,050,000 were pasted.')
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('What is a loom?')
  await chat.settled()
  await page.getByRole('button', { name: 'Edit message' }).click()
  const field = page.getByRole('textbox', { name: 'Your message' })
  expect(await paste(field, megabyte)).toEqual({ leftToField: false })
  await expect(refusal.first()).toBeVisible()
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/paste-${page.viewportSize()?.width}.png` })
  await expect(field).toHaveValue('What is a loom?')
  expect(await paste(field, 'warp and weft\n'.repeat(2_000))).toEqual({ leftToField: true })
  await field.press('Escape')

  await chat.openTemporary()
  await expect(refusal).toHaveCount(0)
  await chat.message().fill('Sum this up:')
  expect(await paste(chat.message(), megabyte)).toEqual({ leftToField: false })
  await expect(refusal.first()).toBeVisible()
  await expect(chat.message()).toHaveValue('Sum this up:')
  await chat.message().fill('')
})

/** Enters a text as a browser does one that is dropped: unlike `fill`, only as much as the field takes. */
const enter = async (field: Locator, text: string) => {
  await field.focus()
  await field.evaluate((element, entered) => element.ownerDocument.execCommand('insertText', false, entered), text)
}

test('a text longer than a message holds stands, is counted, and is sent only once it fits', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await enter(chat.message(), 'x'.repeat(199_000))
  await expect(page.getByText('1,000 characters left').first()).toBeVisible()
  await enter(chat.message(), 'y'.repeat(1_001))
  await expect(page.getByText('1 character too many: at most 200,000 fit').first()).toBeVisible()
  await expect(chat.message()).toHaveValue('x'.repeat(199_000) + 'y'.repeat(1_001))
  await expect(page.getByRole('button', { name: 'Send' })).toBeDisabled()
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/too-long-${page.viewportSize()?.width}.png` })
  await chat.message().press('Backspace')
  await expect(page.getByText('0 characters left').first()).toBeVisible()
  await expect(page.getByRole('button', { name: 'Send' })).toBeEnabled()
  await chat.send('What is a loom?')
  await chat.settled()

  await page.getByRole('button', { name: 'Edit message' }).click()
  const field = page.getByRole('textbox', { name: 'Your message' })
  await enter(field, 'x'.repeat(200_000))
  const form = page.getByRole('form', { name: 'Edit your message' })
  await expect(form.getByText('15 characters too many: at most 200,000 fit').first()).toBeVisible()
  await expect(form.getByRole('button', { name: 'Send' })).toBeDisabled()
  await field.fill('What is a shuttle?')
  await form.getByRole('button', { name: 'Send' }).click()
  await expect(await chat.settled()).toContainText('You said: What is a shuttle?')
})

test('a short paste that a long draft has no room for becomes a file', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  const draft = 'x'.repeat(199_990)
  await chat.message().fill(draft)
  await paste(chat.message(), 'warp and weft')
  await expect(remove(page, 'pasted.txt')).toBeVisible()
  await expect(chat.message()).toHaveValue(draft)
  await remove(page, 'pasted.txt').click()
  await chat.message().fill('')
})

test('a dropped file is attached, and one that is not what it says is refused in plain words', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await drop(page, 'plan.txt', 'text/plain', 'The plan')
  await expect(remove(page, 'plan.txt')).toBeVisible()
  await drop(page, 'cat.png', 'image/png', '<html></html>')
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

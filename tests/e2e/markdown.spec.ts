import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

test('hostile Markdown appears as text, does nothing and asks nobody', async ({ page, mock, loom }) => {
  expect(mock.url).toBeTruthy()
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(loom.url) && !request.url().startsWith('data:')) foreign.push(request.url())
  })
  const chat = new ChatPage(page)
  await chat.openNew('hostile')
  await chat.send('Do your worst')
  const answer = await chat.settled()
  await expect(answer).toContainText('The end of it.')
  await expect(answer).toContainText('front matter that must not vanish')
  await expect(answer).toContainText('<img src=x onerror=')
  await expect(answer).toContainText('::u-button{to="/dashboard"')

  for (const pass of ['as it streamed', 'as it was stored']) {
    // What of it is drawn at all is drawn by now.
    await expect(answer.getByText('This diagram refers to pictures')).toHaveCount(4)
    await expect(answer.getByText('This diagram has a mistake')).not.toHaveCount(0)
    await expect(answer.getByRole('img', { name: 'Diagram' }).first()).toBeVisible()
    const found = await answer.locator('.markdown').first().evaluate(element => ({
      elements: [...element.querySelectorAll('script, img:not([src^="data:image/svg+xml"]), svg:not(button svg), image, use, link, iframe, object, embed, video, audio, style, form, [style*="position"]:not(.katex *), [style*="url"], [id]')].map(node => node.outerHTML.slice(0, 120)),
      handlers: [...element.querySelectorAll('*')].flatMap(node => node.getAttributeNames().filter(name => name.startsWith('on'))),
      links: [...element.querySelectorAll('a')].map(link => link.getAttribute('href') ?? ''),
      nested: element.querySelectorAll('a a').length,
      outside: [...element.querySelectorAll('.formula')].filter(formula => getComputedStyle(formula).contain !== 'paint').length
    }))
    expect(found.elements, pass).toEqual([])
    expect(found.handlers, pass).toEqual([])
    expect(found.links.filter(href => !/^https?:\/\//.test(href)), pass).toEqual([])
    expect(found.nested, pass).toBe(0)
    expect(found.outside, pass).toBe(0)
    expect(await page.evaluate(() => 'breached' in window), pass).toBe(false)
    await page.reload()
    await chat.settled()
  }
  expect(foreign).toEqual([])
})

test('a picture on another server is a card that says where it is, and loads nothing', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('hostile')
  await chat.send('Show me a pixel')
  const answer = await chat.settled()
  const card = answer.getByRole('link', { name: /pixel/ }).first()
  await expect(card).toContainText('Not loaded. Open on evil.example')
  await expect(card).toHaveAttribute('href', 'https://evil.example/pixel.png?secret=1')
  await expect(card).toHaveAttribute('rel', /noreferrer/)
})

test('the page’s own policy loads pictures, fonts and scripts from nowhere else', async ({ page, loom }) => {
  const response = await page.request.get(`${loom.url}/projects`)
  const policy = new Map(response.headers()['content-security-policy']?.split(';').map(rule => rule.trim().split(/\s+(.*)/s)).map(([name = '', value = '']) => [name, value]))
  expect(policy.get('default-src')).toBe('\'self\'')
  expect(policy.get('img-src')).not.toMatch(/https?:|\*/)
  expect(policy.get('connect-src')).toBe('\'self\'')
  expect(policy.get('font-src')).not.toMatch(/https?:|\*/)
  expect(policy.get('form-action')).toBe('\'self\'')
  expect(policy.get('base-uri')).toBe('\'none\'')
})

test('formulas are drawn, prices stay prices, and what is no formula shows its source', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('scholar')
  await chat.send('Teach me')
  const answer = await chat.settled()
  await expect(answer.locator('.formula .katex')).toHaveCount(4)
  await expect(answer.locator('.formula-block .katex-display')).toHaveCount(2)
  await expect(answer).toContainText('between $5 and $10 a month, or $3.50')
  await expect(answer.getByText('\\broken{')).toBeVisible()
})

test('a diagram is drawn as a picture in the colours of the page, and its source is a click away', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('scholar')
  await chat.send('Draw it')
  const answer = await chat.settled()
  const picture = answer.getByRole('img', { name: 'Diagram' })
  await expect(picture).toBeVisible()
  await expect.poll(() => picture.evaluate(image => image instanceof HTMLImageElement && image.naturalWidth)).toBeGreaterThan(50)
  await answer.getByRole('button', { name: 'Source' }).click()
  await expect(answer.locator('pre')).toContainText('Warp --> Weft')
  await answer.getByRole('button', { name: 'Diagram' }).click()
  await expect(picture).toBeVisible()
})

test('a table too wide for the column scrolls by itself', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('scholar')
  await chat.send('Show me a table')
  const table = (await chat.settled()).getByRole('region', { name: 'Table' })
  await expect.poll(() => table.evaluate(element => element.scrollWidth > element.clientWidth)).toBe(true)
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
})

test('code is coloured and can be copied', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Show me code')
  const answer = await chat.settled()
  await expect(answer.locator('pre.shiki span[style]').first()).toBeVisible()
  await answer.getByRole('button', { name: 'Copy code' }).click()
  await expect(answer.getByRole('button', { name: 'Copied' })).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('const prompt = "Show me code"')
})

test('Arabic runs from the right, as it is typed, sent, answered and named, code and English from the left', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('arabic')
  const question = 'كيف يعمل النول؟ أريد أن أفهم'
  const composer = chat.message()
  await composer.fill(question)
  await expect(composer).toHaveCSS('direction', 'rtl')
  await chat.send(question)
  const answer = await chat.settled()
  await expect(chat.log().getByRole('article', { name: 'You' }).getByText(question)).toHaveCSS('direction', 'rtl')
  for (const block of ['h3, h4, h5', 'p', 'ul', 'blockquote']) await expect(answer.locator('.markdown').locator(block).first()).toHaveCSS('direction', 'rtl')
  for (const code of ['p code', 'pre']) await expect(answer.locator('.markdown').locator(code).first()).toHaveCSS('direction', 'ltr')
  await expect(answer.getByText('And from the left again.')).toHaveCSS('direction', 'ltr')
  await expect(page.getByRole('heading', { level: 1 }).locator('[dir=auto]').first()).toHaveCSS('direction', 'rtl')
  await expect(page.locator('html')).toHaveCSS('direction', 'ltr')
  await composer.fill('And now in English')
  await expect(composer).toHaveCSS('direction', 'ltr')
})

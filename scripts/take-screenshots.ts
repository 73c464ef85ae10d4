// `npm run docs:screenshots`: photographs every page of the built server over the demo data into docs/images, and lists the pictures in docs/pictures.md. `-- --only trace --to folder`: some of them, elsewhere.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import type { Browser, Page } from '@playwright/test'
import { findChromium } from '../tests/support/chromium'
import { main, root } from './project.mjs'
import type { Stage } from './stage-demo'
import { stageDemo } from './stage-demo'

const widths = { 1440: 900, 1024: 768, 375: 812 } as const
type Width = keyof typeof widths
type Theme = 'dark' | 'light'
const looks: [Width, Theme][] = [[1440, 'dark'], [1440, 'light'], [1024, 'dark'], [1024, 'light'], [375, 'dark'], [375, 'light']]
const images = join(root, 'docs/images')

/** A page, what it is called, and what is done on it before it is photographed. */
interface View { title: string, path: string, prepare?: (page: Page) => Promise<unknown> }

const openTrace = (page: Page) => page.getByRole('link').and(page.locator('[data-trace]')).first().click()
const views: Record<string, View> = {
  'overview': { title: 'Overview', path: '/dashboard' },
  'traces': { title: 'Traces', path: '/dashboard/traces' },
  'trace': { title: 'A trace beside the list', path: '/dashboard/traces', prepare: openTrace },
  'keys': { title: 'Keys', path: '/dashboard/keys' },
  'limits': { title: 'Limits', path: '/dashboard/limits' },
  'connections': { title: 'Connections', path: '/dashboard/connections' },
  'models': { title: 'Models', path: '/dashboard/models' },
  'billing': { title: 'Billing', path: '/dashboard/billing' },
  'alerts': { title: 'Alerts', path: '/dashboard/alerts' },
  'members': { title: 'Members', path: '/dashboard/members' },
  'audit': { title: 'Audit', path: '/dashboard/audit' },
  'settings': { title: 'Settings of the organisation', path: '/dashboard/settings' },
  'account': { title: 'Settings of the account', path: '/dashboard/settings/account' },
  'platform': { title: 'Platform', path: '/dashboard/platform' },
  'platform-orgs': { title: 'Platform: organisations', path: '/dashboard/platform/orgs' },
  'platform-users': { title: 'Platform: users', path: '/dashboard/platform/users' },
  'platform-providers': { title: 'Platform: providers, prices and limits', path: '/dashboard/platform/providers' },
  'platform-access': { title: 'Platform: access', path: '/dashboard/platform/access' },
  'conversation': { title: 'A conversation', path: '/projects', prepare: openConversation }
}

async function openConversation(page: Page) {
  await page.getByRole('link', { name: 'Literature review' }).first().click()
  await page.getByRole('main').getByRole('link', { name: 'Sampling bias in survey data' }).click()
  await page.getByRole('log').getByText('Census comparison').waitFor()
}

await main(async () => {
  const { values: { to, only } } = parseArgs({ options: { to: { type: 'string', default: images }, only: { type: 'string', default: '' } } })
  const isWhole = only === '' && to === images
  const stage = await stageDemo()
  const browser = await chromium.launch({ ...await findChromium(), chromiumSandbox: false })
  try {
    await mkdir(to, { recursive: true })
    const taken = new Set<string>()
    for (const [name, view] of Object.entries(views)) {
      if (!name.includes(only)) continue
      for (const [width, theme] of looks) {
        const file = fileOf(name, width, theme)
        await photograph(browser, stage, view, { width, theme, file: join(to, file) })
        taken.add(file)
      }
    }
    // What is photographed no more. Before, a run that fails would leave the page of pictures without them.
    if (isWhole) for (const file of await readdir(images)) if (!taken.has(file)) await rm(join(images, file))
  } finally {
    await browser.close()
    await stage.remove()
  }
  if (isWhole) await writeFile(join(root, 'docs/pictures.md'), list())
})

function fileOf(name: string, width: Width, theme: Theme): string {
  return `${name}-${width}-${theme}.webp`
}

function list(): string {
  const cell = (name: string, wanted: number) => looks.filter(([width]) => width === wanted).map(([width, theme]) => `[${theme}](images/${fileOf(name, width, theme)})`).join(', ')
  const rows = Object.entries(views).map(([name, { title }]) => `| ${title} | ${[1440, 1024, 375].map(width => cell(name, width)).join(' | ')} |`)
  return `# Pictures of every page

By night and by day, on a desk, a small one and a phone, over the demo data. \`npm run docs:screenshots\` takes them and writes this page.

| | 1440 px | 1024 px | 375 px |
|---|---|---|---|
${rows.join('\n')}
`
}

async function photograph(browser: Browser, { url, cookies }: Stage, view: View, { width, theme, file }: { width: Width, theme: Theme, file: string }): Promise<void> {
  const context = await browser.newContext({ baseURL: url, viewport: { width, height: widths[width] }, colorScheme: theme, reducedMotion: 'reduce', timezoneId: 'UTC', isMobile: width === 375, hasTouch: width === 375 })
  await context.addCookies(cookies)
  await context.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
  const page = await context.newPage()
  // The network of a page that follows what changes never rests.
  await page.route('**/changes*', route => route.fulfill({ status: 204 }))
  await page.goto(view.path, { waitUntil: 'networkidle' })
  await view.prepare?.(page)
  await page.waitForLoadState('networkidle')
  // What is still loading holds its place in grey, and a chart is drawn after it was put there.
  await page.waitForFunction(() => document.querySelectorAll('[aria-busy=true], .animate-pulse, .chart-plot:not(:has(text))').length === 0)
  await page.screenshot({ path: file, type: 'webp', animations: 'disabled', caret: 'hide' })
  await context.close()
}

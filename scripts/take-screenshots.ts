// `npm run docs:screenshots`: photographs the built server over the demo data into docs/images. `-- --every --to folder`: every page of the dashboard at every width, to look at.
import { mkdir } from 'node:fs/promises'
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

/** A page, and what is done on it before it is photographed. */
interface View { path: string, prepare?: (page: Page) => Promise<unknown> }

const openTrace = (page: Page) => page.getByRole('link').and(page.locator('[data-trace]')).first().click()
const views = {
  'overview': { path: '/dashboard' },
  'traces': { path: '/dashboard/traces', prepare: openTrace },
  'keys': { path: '/dashboard/keys' },
  'key': { path: '/dashboard/keys', prepare: page => page.getByRole('link', { name: 'Mobile app' }).first().click() },
  'billing': { path: '/dashboard/billing' },
  'conversation': { path: '/projects', prepare: openConversation },
  'trace-list': { path: '/dashboard/traces' },
  'limits': { path: '/dashboard/limits' },
  'connections': { path: '/dashboard/connections' },
  'models': { path: '/dashboard/models' },
  'alerts': { path: '/dashboard/alerts' },
  'members': { path: '/dashboard/members' },
  'audit': { path: '/dashboard/audit' },
  'settings': { path: '/dashboard/settings' },
  'account': { path: '/dashboard/settings/account' },
  'platform': { path: '/dashboard/platform' },
  'platform-orgs': { path: '/dashboard/platform/orgs' },
  'platform-users': { path: '/dashboard/platform/users' },
  'platform-providers': { path: '/dashboard/platform/providers' },
  'platform-access': { path: '/dashboard/platform/access' }
} as const satisfies Record<string, View>
type ViewName = keyof typeof views

/** What the documentation shows. */
const documented: ViewName[] = ['overview', 'traces', 'keys', 'billing', 'conversation']

async function openConversation(page: Page) {
  await page.getByRole('link', { name: 'Literature review' }).first().click()
  await page.getByRole('main').getByRole('link', { name: 'Sampling bias in survey data' }).click()
  await page.getByRole('log').getByText('Census comparison').waitFor()
}

await main(async () => {
  const { values: { every, to, only } } = parseArgs({ options: { every: { type: 'boolean', default: false }, to: { type: 'string', default: join(root, 'docs/images') }, only: { type: 'string', default: '' } } })
  const names = Object.keys(views).filter((name): name is ViewName => name in views)
  const wanted = (every ? names : documented).flatMap(name => looks.map(([width, theme]) => [name, width, theme] as const))
  const stage = await stageDemo()
  const browser = await chromium.launch({ ...await findChromium(), chromiumSandbox: false })
  try {
    await mkdir(to, { recursive: true })
    for (const [name, width, theme] of wanted) {
      if (name.includes(only)) await photograph(browser, stage, views[name], { width, theme, file: join(to, `${name}-${width}-${theme}.png`) })
    }
  } finally {
    await browser.close()
    await stage.remove()
  }
})

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
  // What is still loading holds its place in grey.
  await page.waitForFunction(() => document.querySelectorAll('[aria-busy=true], .animate-pulse').length === 0)
  await page.screenshot({ path: file, animations: 'disabled', caret: 'hide' })
  await context.close()
}

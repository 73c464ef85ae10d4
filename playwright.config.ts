import { defineConfig } from '@playwright/test'
import { findChromium } from './tests/support/chromium'

const chromium = await findChromium()

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: '.cache/test/playwright',
  globalSetup: './tests/e2e/build-server.ts',
  // A server, a database and a browser for each.
  workers: 2,
  fullyParallel: true,
  forbidOnly: Boolean(process.env.LOOM_REQUIRE_POSTGRES),
  // Where a change is let in, what fails has one more go, and is named as flaky at the end: on a machine shared with others, not every late frame is a defect.
  retries: process.env.LOOM_REQUIRE_POSTGRES ? 1 : 0,
  // Generous: a busy machine is slow, not wrong. What passes does not wait.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: { ...chromium, chromiumSandbox: false },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    reducedMotion: 'reduce',
    colorScheme: 'dark'
  },
  projects: [
    { name: 'desktop', use: { viewport: { width: 1440, height: 900 } } },
    { name: 'phone', use: { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true } }
  ]
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoomServer } from '../../support/loom-server'
import { setUpLoom, signIn, admin } from '../../support/set-up-loom'
import { startLoom } from '../../support/start-loom'

let loom: LoomServer

beforeAll(async () => {
  loom = await startLoom()
})

afterAll(() => loom.remove())

test('a server on an empty database prints a set-up link that makes the first administrator, once', async () => {
  const token = loom.setupToken
  const session = await setUpLoom(loom)
  const response = await fetch(`${loom.url}/api/session`, { headers: session })
  expect(await response.json()).toMatchObject({ user: { email: admin.email }, platformAdmin: true })
  const again = await fetch(`${loom.url}/api/setup`, { method: 'POST', headers: { 'origin': loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ ...admin, token }) })
  expect(again.status).toBe(409)
})

test('what was set up is there after a kill -9 and a new start, and no new link is printed', async () => {
  const printed = loom.logs().length
  await loom.kill9()
  await loom.start()
  expect((await signIn(loom, admin)).cookie).not.toBe('')
  expect(loom.logs().slice(printed)).not.toContain('token=')
})

test('SIGTERM ends the server with exit code 0', async () => {
  expect(await loom.stop()).toBe(0)
})

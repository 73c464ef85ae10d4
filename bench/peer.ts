import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../tests/support/free-port'
import { until } from '../tests/support/until'
import type { Proxied } from './measure'

/** The gateway that Loom is measured beside, at this exact version. */
const PACKAGE = '@portkey-ai/gateway'
const VERSION = '1.15.2'

/** It adds headers to responses of `fetch`, which are immutable, and so answers every stream with 500. It gets copies that take headers; else it runs as it comes. */
const repair = `data:text/javascript,${encodeURIComponent(`
  const { fetch, Response } = globalThis
  globalThis.fetch = async (...call) => {
    const { body, status, statusText, headers } = await fetch(...call)
    return new Response(body, { status, statusText, headers })
  }
`)}`

export interface Peer extends Proxied { title: string, stop: () => void }

/** Starts the peer in front of the mock, as its documentation says: without keys, budgets or traces of its own. */
export async function startPeer(mockUrl: string): Promise<Peer> {
  const folder = await install()
  const port = await freePort()
  const child = spawn(process.execPath, ['--import', repair, join(folder, 'node_modules', PACKAGE, 'build/start-server.js'), `--port=${port}`, '--headless'], { stdio: 'ignore', env: { PATH: process.env.PATH, NODE_ENV: 'production' } })
  const origin = `http://127.0.0.1:${port}`
  await until(() => fetch(origin).then(response => response.ok, () => false), { timeoutMs: 30_000, what: () => `${PACKAGE} to listen` })
  return {
    title: `portkey ${VERSION}`,
    origin,
    headers: { 'content-type': 'application/json', 'authorization': 'Bearer bench', 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${mockUrl}/v1` },
    modelPrefix: '',
    pids: () => [child.pid ?? 0],
    stop: () => child.kill()
  }
}

/** Installed on demand, into a folder of its own that no other command looks at. @returns that folder */
async function install(): Promise<string> {
  const cache = join(import.meta.dirname, '../.cache/bench')
  const folder = join(cache, `portkey-${VERSION}`)
  if (existsSync(folder)) return folder
  const draft = `${folder}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  console.log(`Installing ${PACKAGE}@${VERSION} into .cache/bench, once`)
  await promisify(execFile)('npm', ['install', '--prefix', draft, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', `${PACKAGE}@${VERSION}`])
  await rename(draft, folder)
  return folder
}

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, serverArguments } from '../../scripts/ensure-build.mjs'
import { withLock } from '../../scripts/take-lock.mjs'
import { freePort } from './free-port'
import { until } from './until'

/** The production build, running as a process of its own on a port and in a data folder of its own. */
export interface LoomServer {
  url: string
  port: number
  /** The current process; a new one after `start()`. */
  readonly process: ChildProcess
  /** The one-time token of the set-up link, while nobody has set it up. */
  readonly setupToken: string
  /** Its environment: what a command needs to work on the same database. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Everything it has printed, of all its processes. */
  logs: () => string
  /** Starts it again on the same port and data, in an environment changed by this. Resolves once it is ready. */
  start: (change?: Record<string, string>) => Promise<void>
  /** Ends it as an operator would (`SIGTERM`); resolves with its exit code. */
  stop: () => Promise<number | null>
  /** Ends it as a crash would (`SIGKILL`). */
  kill9: () => Promise<void>
  /** Ends it and deletes its data. */
  remove: () => Promise<void>
}

export interface LoomServerOptions {
  /** Without `DATABASE_URL`: the embedded database. */
  env?: Record<string, string>
  /** false: resolve when the process listens, even if it never becomes ready. */
  waitUntilReady?: boolean
  /** false: nothing is read of what it prints, for benchmarks. */
  keepLogs?: boolean
  /** Fills its data folder before the first start. */
  furnish?: (dataDir: string) => Promise<void>
}

/** Builds the server unless its build is current, and starts it. Resolves once `/ready` says so. */
export async function startLoomServer({ env = {}, waitUntilReady = true, keepLogs = true, furnish }: LoomServerOptions = {}): Promise<LoomServer> {
  await withLock('build', ensureBuilt)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const dataDir = await mkdtemp(join(tmpdir(), 'loom-data-'))
  await furnish?.(dataDir)
  const settings = { PATH: process.env.PATH, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), LOOM_DATA_DIR: dataDir, APP_URL: url, ...env }
  let output = ''
  let child: ChildProcess

  const start = async (change: Record<string, string> = {}) => {
    child = spawn(process.execPath, ['--import', endWithParent, ...serverArguments], { cwd: dataDir, env: { ...settings, ...change }, stdio: ['ignore', keepLogs ? 'pipe' : 'ignore', 'pipe', 'ipc'] })
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => output += text)
    await until(() => answers(`${url}${waitUntilReady ? '/ready' : '/health'}`, child, () => output), {
      timeoutMs: 60_000, what: () => `Loom to be ready. It printed:\n${output}`
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
    return child.exitCode
  }

  const server: LoomServer = {
    url,
    port,
    get process() {
      return child
    },
    get setupToken() {
      const token = /[?&]token=([\w-]+)/.exec(output)?.[1]
      if (!token) throw new Error(`Loom printed no set-up link:\n${output}`)
      return token
    },
    env: settings,
    logs: () => output,
    start,
    stop: () => end('SIGTERM'),
    kill9: async () => {
      await end('SIGKILL')
    },
    remove: async () => {
      await end('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    }
  }
  try {
    await start()
  } catch (error) {
    await server.remove()
    throw error
  }
  return server
}

/** Loaded into the server (and its threads, which have no channel): it must not outlive a test process that was killed. */
const endWithParent = `data:text/javascript,${encodeURIComponent('if (process.channel) { process.on("disconnect", () => process.exit(1)); process.channel.unref() }')}`

async function answers(url: string, child: ChildProcess, output: () => string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`Loom ended with exit code ${child.exitCode}:\n${output()}`)
  try {
    const response = await fetch(url)
    await response.body?.cancel()
    return response.ok
  } catch (error) {
    // Not listening yet.
    if (error instanceof TypeError) return false
    throw error
  }
}

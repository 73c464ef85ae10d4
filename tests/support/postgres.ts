import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { findPostgresPrograms } from '../../scripts/ensure-postgres.mjs'
import { freePort } from './free-port'
import { until } from './until'

/** A PostgreSQL server of our own: in a temporary folder, on a free port, gone when this process is gone. */
export interface PostgresServer {
  /** The `postgres` database, as superuser. */
  url: string
  /** Creates an empty database and returns its URL. */
  createDatabase: (name: string) => Promise<string>
  /** Everything it has printed. */
  logs: () => string
  /** Ends it at once, as a crash would (`SIGQUIT`); connections break. */
  crash: () => Promise<void>
  /** Starts it again on the same port and data. Resolves once it answers. */
  start: () => Promise<void>
  /** Stops its processes where they are (`SIGSTOP`): connections stay open, and nothing answers. */
  freeze: () => Promise<void>
  /** Lets them go on. */
  thaw: () => void
  /** Ends it and deletes its folder. */
  stop: () => Promise<void>
}

/**
 * Starts one.
 * @param options.durable keep fsync, as production does; without it a crash of the machine may lose data, a crash of the server does not
 * @returns undefined where PostgreSQL is not installed
 */
export async function startPostgres({ durable = false } = {}): Promise<PostgresServer | undefined> {
  const programs = findPostgresPrograms()
  if (!programs) return undefined
  const owner = findOwner()
  const folder = await mkdtemp(join(owner ? '/tmp' : tmpdir(), 'loom-postgres-'))
  if (owner) await chown(folder, owner.uid, owner.gid)
  const port = await freePort()
  const url = `postgres://loom@127.0.0.1:${port}/postgres`
  const settings = durable ? [] : ['fsync=off', 'full_page_writes=off']

  // A shell between us and the server ends the server when its input closes, which the system does however we end.
  const supervisor = spawn('sh', ['-c', supervise, 'loom-postgres', programs, folder, String(port), ...settings.flatMap(setting => ['-c', setting])], {
    ...owner,
    cwd: folder,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true
  })
  const log: string[] = []
  supervisor.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text))

  const command = (line: string) => supervisor.stdin.write(`${line}\n`)
  const start = async () => {
    command('start')
    await until(() => answers(url, supervisor, log), { timeoutMs: 60_000, what: () => `PostgreSQL to start: ${log.join('')}` })
  }
  await start()
  return {
    url,
    start,
    createDatabase: name => createDatabase(url, name),
    logs: () => log.join(''),
    crash: async () => {
      command('crash')
      await until(async () => !await answers(url, supervisor, log), { timeoutMs: 30_000, what: () => 'PostgreSQL to end' })
    },
    freeze: async () => {
      command('freeze')
      // Told by the supervisor: a question asked of it at that moment would itself freeze, and wait for ever.
      await once(supervisor.stdout, 'data')
    },
    thaw: () => command('thaw'),
    stop: async () => {
      supervisor.stdin.end()
      if (supervisor.exitCode === null) await once(supervisor, 'exit')
    }
  }
}

/** $1: folder of the programs, $2: our folder, $3: port, the rest: options of the server. */
const supervise = `
programs=$1; folder=$2; port=$3; shift 3
"$programs/initdb" -D "$folder/data" -U loom -A trust -E UTF8 --locale=C --no-sync >&2 || exit 1
while read -r command; do
  case $command in
    start) "$programs/postgres" -D "$folder/data" -p "$port" -k "$folder" -c listen_addresses=127.0.0.1 -c max_connections=300 "$@" >&2 & server=$! ;;
    crash) kill -QUIT "$server"; wait "$server" ;;
    freeze) kill -STOP "$server"; kill -STOP $(ps -o pid= --ppid "$server"); echo frozen ;;
    thaw) kill -CONT "$server" $(ps -o pid= --ppid "$server") ;;
  esac
done
kill -INT "$server" && wait "$server"
rm -rf "$folder"
`

/** PostgreSQL refuses to run as root: then it runs as its own user, or as nobody. */
function findOwner(): { uid: number, gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (option: string, user: string) => Number(execFileSync('id', [option, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) }
    } catch (error) {
      if (user === 'nobody') throw new Error('PostgreSQL cannot run as root, and there is no other user to run it as', { cause: error })
    }
  }
}

async function answers(url: string, supervisor: ChildProcess, log: string[]): Promise<boolean> {
  if (supervisor.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log.join('')}`)
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} })
  try {
    await sql`select 1`
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function createDatabase(url: string, name: string): Promise<string> {
  const sql = postgres(url, { max: 1 })
  try {
    await sql`create database ${sql(name)}`
  } finally {
    await sql.end()
  }
  const created = new URL(url)
  created.pathname = `/${name}`
  return created.href
}

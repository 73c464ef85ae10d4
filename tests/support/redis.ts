import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { findRedisServer } from '../../scripts/ensure-redis.mjs'
import { freePort } from './free-port'
import { until } from './until'

/** A Redis server of our own: on a free port, in memory only, gone when this process is gone. */
export interface RedisServer {
  url: string
  /** Starts it again, empty, on the same port. */
  start: () => Promise<void>
  /** Ends it at once, as a crash would. */
  crash: () => Promise<void>
  /** It keeps its connections and answers nobody. */
  freeze: () => void
  thaw: () => void
  stop: () => Promise<void>
}

/** Whether tests on Redis can run here; the set-up says loudly where they cannot. */
export const hasRedis = findRedisServer() !== undefined

export async function startRedis(): Promise<RedisServer> {
  const program = findRedisServer()
  if (!program) throw new Error('Redis is not installed')
  const port = await freePort()
  // A shell between us and the server ends the server when its input closes, which the system does however we end.
  const supervisor = spawn('sh', ['-c', supervise, 'loom-redis', program, String(port)], { cwd: '/', stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  const command = (line: string) => supervisor.stdin.write(`${line}\n`)
  const start = async () => {
    command('start')
    await until(() => answers(port), { timeoutMs: 30_000, what: () => 'Redis to start' })
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    crash: async () => {
      command('crash')
      await until(async () => !await answers(port), { timeoutMs: 30_000, what: () => 'Redis to end' })
    },
    freeze: () => void command('freeze'),
    thaw: () => void command('thaw'),
    stop: async () => {
      supervisor.stdin.end()
      if (supervisor.exitCode === null) await once(supervisor, 'exit')
    }
  }
}

/** $1: the program, $2: the port. */
const supervise = `
while read -r command; do
  case $command in
    start) "$1" --port "$2" --bind 127.0.0.1 --save '' --appendonly no >/dev/null & server=$! ;;
    crash) kill -KILL "$server"; wait "$server" ;;
    freeze) kill -STOP "$server" ;;
    thaw) kill -CONT "$server" ;;
  esac
done
kill -KILL "$server" 2>/dev/null
wait "$server"
`

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [reply] = await once(socket, 'data')
    return String(reply).startsWith('+PONG')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  } finally {
    socket.destroy()
  }
}

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** Clock ticks a second in /proc; Linux has had 100 on every platform Node runs on. */
const TICKS_PER_SECOND = 100

export interface ChildServer { pid: number, stop: () => void }

/** Starts a script of this folder as a process of its own. Resolves once it says that it listens. */
export async function startScript(name: string, parameters: string[]): Promise<ChildServer> {
  const child = fork(join(import.meta.dirname, name), parameters, { execArgv: ['--import', 'tsx'] })
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (message !== 'ready' || child.pid === undefined) throw new Error(`${name} did not start`)
  return { pid: child.pid, stop: () => child.disconnect() }
}

/** CPU time a process has used so far, in seconds: its own, the kernel's for it, and that of its children that have ended. 0 when it has ended itself: then its parent has it. */
export function cpuSeconds(pid: number): number {
  // The name, in parentheses, may hold spaces.
  const fields = readOrEmpty(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
}

/** The memory of a process in RAM, in MB. */
export function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(z.string().parse(kilobytes)) / 1024
}

/** All processes of a PostgreSQL server, by the folder they work in. */
export function postgresPids(port: number): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number)
  const postmaster = pids.find(pid => commandLine(pid).includes(`-p\0${port}\0`) && commandLine(pid).includes('/postgres\0'))
  return pids.filter(pid => pid === postmaster || parentOf(pid) === postmaster)
}

function commandLine(pid: number): string {
  return readOrEmpty(`/proc/${pid}/cmdline`)
}

function parentOf(pid: number): number {
  return Number(readOrEmpty(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1])
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // The process has ended since it was listed.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
    throw error
  }
}

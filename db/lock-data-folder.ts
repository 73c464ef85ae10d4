import { createHash } from 'node:crypto'
import { realpath, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folder belongs to another process now. */
export class DataFolderInUseError extends Error {
  override name = 'DataFolderInUseError'
}

/**
 * Takes the folder for this process until `release`, or until the process ends however it ends: the lock is a listening
 * socket, which the system frees even after `kill -9`. Two embedded databases on one folder would lose data silently.
 * Holds among the processes of one machine (one network namespace), not among containers sharing a volume.
 * @throws {DataFolderInUseError}
 */
export async function lockDataFolder(folder: string): Promise<{ release: () => Promise<void> }> {
  const address = lockAddress(await realpath(folder))
  const server = await listen(address).catch(async (error: unknown) => {
    if (!isInUse(error)) throw error
    if (process.platform === 'linux' || process.platform === 'win32' || await answers(address)) {
      throw new DataFolderInUseError(`The embedded database in ${folder} is in use by another Loom process. Stop that one first, or set DATABASE_URL to a PostgreSQL for several processes.`)
    }
    // A socket file outlives a killed process; where nobody answers it is only litter.
    await rm(address, { force: true })
    return listen(address)
  })
  return {
    release: () => new Promise((resolve, reject) => {
      server.close(error => error ? reject(error) : resolve())
    })
  }
}

/** Linux has socket names without files and Windows has pipes; elsewhere the name is a file. */
function lockAddress(path: string): string {
  const name = `loom-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return join(tmpdir(), `${name}.lock`)
}

function listen(address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', reject)
    // Never the reason a process stays alive.
    server.listen(address, () => resolve(server.unref()))
  })
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

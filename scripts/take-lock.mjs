import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './project.mjs'

/**
 * Runs `body` while no other process of this checkout does; waits for its turn.
 *
 * The lock is a listening socket, because the system closes it however its owner ends, a kill -9 included.
 *
 * @template T
 * @param {string} purpose
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(purpose, body) {
  const address = addressOf(purpose)
  let release = await tryLock(address)
  if (!release) console.log('Another process is installing or building this checkout; waiting for it ...')
  while (!release) {
    await ownerGone(address)
    release = await tryLock(address)
  }
  try {
    return await body()
  } finally {
    release()
  }
}

/** @param {string} purpose */
function addressOf(purpose) {
  const name = `loom-${purpose}-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`
  if (process.platform === 'linux') return `\0${name}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`)
}

/**
 * @param {string} address
 * @returns {Promise<(() => void) | undefined>} what releases the lock; undefined where another process has it
 */
function tryLock(address) {
  /** @type {Set<import('node:net').Socket>} */
  const waiting = new Set()
  return new Promise((resolve, reject) => {
    const lock = createServer(socket => waiting.add(socket.on('error', () => socket.destroy())))
    lock.once('error', (/** @type {NodeJS.ErrnoException} */ error) => error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error))
    lock.listen(address, () => resolve(() => {
      lock.close()
      for (const socket of waiting) socket.destroy()
    }))
  })
}

/**
 * Resolves when the lock's owner has released it or ended.
 * @param {string} address
 */
async function ownerGone(address) {
  const refused = await new Promise((resolve) => {
    const connection = connect(address)
    connection.once('error', (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code === 'ECONNREFUSED'))
    connection.once('close', () => resolve(false))
    connection.resume()
  })
  // A socket that is a file outlives an owner that was killed.
  if (refused && address.endsWith('.sock')) await rm(address, { force: true })
}

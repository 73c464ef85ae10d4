import { EventEmitter } from 'node:events'
import type { Database } from '../../db/client'

const CHANNEL = 'loom_answers'
/** A notification holds less than 8,000 bytes. */
const IDS_MAX = 200

/** By message id: there is more of that answer to read, or its end. */
const signals = new EventEmitter().setMaxListeners(0)

/** Hears of the answers that other replicas write; to be called once, at start. */
export async function listenForAnswers(db: Database): Promise<void> {
  await db.listen(CHANNEL, (payload) => {
    for (const messageId of payload.split(' ')) signals.emit(messageId)
  })
}

/** Tells every replica that there is more to read of those answers. */
export async function notifyAnswers(db: Database, messageIds: readonly unknown[]): Promise<void> {
  for (let at = 0; at < messageIds.length; at += IDS_MAX) await db.notify(CHANNEL, messageIds.slice(at, at + IDS_MAX).join(' '))
}

/** Resolves at the next sign of that answer, after `timeoutMs` (a notification may be lost with a connection), or once `signal` is aborted. */
export function nextSignOf(messageId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signals.off(messageId, done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timeoutMs)
    signals.on(messageId, done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

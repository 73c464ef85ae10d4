import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits for a condition by asking again and again; resolves with the first truthy answer.
 * @throws {Error} naming `what` when `timeoutMs` (default 15 s) has passed
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  { timeoutMs = 15_000, intervalMs = 20, what = () => 'a condition' }: { timeoutMs?: number, intervalMs?: number, what?: () => string } = {}
): Promise<Truthy<T>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (isTruthy(answer)) return answer
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what()}`)
    await sleep(intervalMs)
  }
}

type Truthy<T> = Exclude<T, undefined | null | false>

function isTruthy<T>(value: T): value is Truthy<T> & T {
  return Boolean(value)
}

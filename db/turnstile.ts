import type { PoolLoad } from './client'

/** How long work may wait for its turn. */
const PATIENCE_MS = 30_000

/** Lets one piece of work through at a time, in order of arrival. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve()
  #inside = 0
  #waiting = 0

  get load(): PoolLoad {
    return { running: this.#inside, waiting: this.#waiting }
  }

  /** @throws {Error} after 30 s of waiting: most likely code inside a transaction awaits the database instead of its transaction */
  pass<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let gaveUp = false
      this.#waiting++
      const patience = setTimeout(() => {
        gaveUp = true
        this.#waiting--
        reject(new Error(`The embedded database was busy for ${PATIENCE_MS / 1000} s: a transaction is still open. Inside a transaction, await only its own handle.`))
      }, PATIENCE_MS).unref()
      const turn = async (): Promise<void> => {
        clearTimeout(patience)
        if (gaveUp) return
        this.#waiting--
        this.#inside++
        await work().then(resolve, reject)
        this.#inside--
      }
      this.#last = this.#last.then(turn)
    })
  }
}

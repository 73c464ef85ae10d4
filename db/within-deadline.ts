/** The database has not answered in time: it is frozen, or cut off without a word. What was asked of it may still happen. */
export class DatabaseSilentError extends Error {
  override name = 'DatabaseSilentError'
}

/**
 * The outcome of `work`, unless it takes longer than `deadlineMs`; then it goes on unheard.
 * @throws {DatabaseSilentError}
 */
export function withinDeadline<T>(deadlineMs: number, work: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DatabaseSilentError(`The database has not answered for ${deadlineMs} ms`)), deadlineMs)
    work.then(
      (result) => {
        clearTimeout(timer)
        resolve(result)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      }
    )
  })
}

/** How long a browser is believed that there is no network: Loom may run on this very machine, and some browsers are wrong. */
const BELIEVED_MS = 3_000

/** Resolves at once where there is a network, else when it is back, after a while, or when `signal` is aborted. */
export function whenOnline(signal: AbortSignal): Promise<void> {
  if (navigator.onLine || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(done, BELIEVED_MS)
    function done() {
      clearTimeout(timer)
      removeEventListener('online', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    addEventListener('online', done)
    signal.addEventListener('abort', done)
  })
}

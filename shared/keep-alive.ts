/** How often an event stream of `/api` that has nothing to say says so, by a comment line. */
export const KEEP_ALIVE_MS = 15_000

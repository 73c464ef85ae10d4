import { defineNitroPlugin, useStorage } from 'nitropack/runtime'
import { beginStop, start, stop } from '../lifecycle'
import { toLoggableError } from '../operations/loggable-error'

/** Starts and stops everything long-lived with the server. First by its name: other plugins wait for the start it begins. */
export default defineNitroPlugin(({ hooks }) => {
  start(process.env, path => useStorage('assets:migrations').getItem(path)).catch((error: unknown) => {
    // One clear line; the stack only where it helps to repair Loom itself, and without what else an error holds: the address it could not read, with its password.
    console.error(`Loom cannot start: ${error instanceof Error ? error.message : String(error)}`)
    if (process.env.LOG_LEVEL === 'debug') console.error(toLoggableError(error))
    process.exit(1)
  })
  hooks.hook('close', stop)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void beginStop())
})

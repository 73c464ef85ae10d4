import { defineNitroPlugin, useRuntimeConfig } from 'nitropack/runtime'

/**
 * Has calls to `/api` read Nitro's configuration as it was at start. Whoever asks for it with a request gets a copy of its own, with the environment read
 * again, and the translations ask at each request: a sixth of its CPU time, of which no answer here has a use. Pages keep their copies, which they may change.
 */
export default defineNitroPlugin(({ h3App }) => {
  const { handler } = h3App
  const runtimeConfig = useRuntimeConfig()
  h3App.handler = (event) => {
    // As Nitro begins it, where nobody has before.
    if (event.path.startsWith('/api/')) event.context.nitro ??= { errors: [], runtimeConfig }
    return handler(event)
  }
})

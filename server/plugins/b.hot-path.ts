import { defineNitroPlugin } from 'nitropack/runtime'
import { operationAt } from '../gateway/operations/registry'
import { started } from '../lifecycle'
import { currentWait, waitBegun } from '../operations/wait-for-migrations'
import { allowOrigins } from '../utils/allow-origins'
import { serveOperation } from '../utils/serve-operation'
import { pathOf, serveUnmigrated } from '../utils/serve-unmigrated'

/**
 * Serves model calls on the bare request, past router, middleware and page headers, which cost a third of the
 * gateway's CPU time a call. Everything else goes on as usual, once the start is complete (that the process runs is told before): a `HEAD` as the `GET` it asks about, whose
 * body Node leaves out, for the router knows no such thing.
 */
export default defineNitroPlugin(({ h3App }) => {
  const { handler } = h3App
  // Made once: each race over a promise that may never resolve stays in memory as long as that does.
  const startOrWait = Promise.race([started(), waitBegun])
  h3App.handler = async (event) => {
    const { req, res } = event.node
    if (req.method === 'HEAD') req.method = 'GET'
    if (pathOf(req) === '/health') return handler(event)
    const operation = req.method === 'POST' && req.url !== undefined && 'socket' in req ? operationAt(req.url) : undefined
    await startOrWait
    const wait = currentWait()
    if (wait) return serveUnmigrated(req, res, wait, operation)
    const runtime = await started()
    if (allowOrigins(event, runtime.config)) return
    if (operation) return serveOperation(operation, req, res, runtime)
    return handler(event)
  }
})

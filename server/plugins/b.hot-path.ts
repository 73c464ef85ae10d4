import { defineNitroPlugin } from 'nitropack/runtime'
import { operationAt } from '../gateway/operations/registry'
import { started } from '../lifecycle'
import { missingMigrations } from '../operations/wait-for-migrations'
import { serveOperation } from '../utils/serve-operation'
import { serveUnmigrated } from '../utils/serve-unmigrated'

/**
 * Serves model calls on the bare request, past router, middleware and page headers, which cost a third of the
 * gateway's CPU time a call. Everything else goes on as usual, once the start is complete (that the process runs is told before): a `HEAD` as the `GET` it asks about, whose
 * body Node leaves out, for the router knows no such thing.
 */
export default defineNitroPlugin(({ h3App }) => {
  const { handler } = h3App
  h3App.handler = async (event) => {
    const { req, res } = event.node
    if (req.method === 'HEAD') req.method = 'GET'
    if (req.url === '/health') return handler(event)
    const operation = req.method === 'POST' && req.url !== undefined && 'socket' in req ? operationAt(req.url) : undefined
    const missing = missingMigrations()
    if (missing.length > 0) return serveUnmigrated(req, res, missing, operation)
    const runtime = await started()
    if (operation) return serveOperation(operation, req, res, runtime)
    return handler(event)
  }
})

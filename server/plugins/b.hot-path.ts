import { defineNitroPlugin } from 'nitropack/runtime'
import { operationAt } from '../gateway/operations/registry'
import { started } from '../lifecycle'
import { serveOperation } from '../utils/serve-operation'

/**
 * Serves model calls on the bare request, past router, middleware and page headers, which cost a third of the
 * gateway's CPU time a call. Everything else goes on as usual, once the start is complete: a `HEAD` as the `GET` it asks about, whose
 * body Node leaves out, for the router knows no such thing.
 */
export default defineNitroPlugin(({ h3App }) => {
  const { handler } = h3App
  h3App.handler = async (event) => {
    const { req, res } = event.node
    const runtime = await started()
    const operation = req.method === 'POST' && req.url !== undefined && 'socket' in req ? operationAt(req.url) : undefined
    if (operation) return serveOperation(operation, req, res, runtime)
    if (req.method === 'HEAD') req.method = 'GET'
    return handler(event)
  }
})

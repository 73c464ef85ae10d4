import { defineEventHandler, setResponseStatus } from 'h3'
import { operationAt } from '../../gateway/operations/registry'
import { useRuntime } from '../../runtime'
import { nothingAt } from '../../utils/nothing-at'
import { serveOperation } from '../../utils/serve-operation'

/**
 * Any API key with the operation's scope. In production `plugins/b.hot-path.ts` serves it before the router does. What no route
 * of `/v1` answers ends here, too: an SDK cannot read the app's pages.
 */
export default defineEventHandler(async (event) => {
  const operation = event.method === 'POST' ? operationAt(event.path) : undefined
  if (!operation) {
    setResponseStatus(event, 404)
    return nothingAt(event.method, event.path)
  }
  await serveOperation(operation, event.node.req, event.node.res, useRuntime())
  event._handled = true
})

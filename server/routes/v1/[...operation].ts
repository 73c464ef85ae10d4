import { defineEventHandler, setResponseStatus } from 'h3'
import { LoomError } from '../../errors'
import { toAnthropicError } from '../../gateway/anthropic-error'
import { toOpenAiError } from '../../gateway/openai-error'
import { operationAt } from '../../gateway/operations/registry'
import { useRuntime } from '../../runtime'
import { serveOperation } from '../../utils/serve-operation'

/** Below these, whoever asks speaks Anthropic's format. */
const ANTHROPIC = /^\/(?:openai\/)?v1\/messages(?:\/|$)/

/**
 * Any API key with the operation's scope. In production `plugins/b.hot-path.ts` serves it before the router does. What no route
 * of `/v1` answers ends here, too: an SDK cannot read the app's pages.
 */
export default defineEventHandler(async (event) => {
  const operation = event.method === 'POST' ? operationAt(event.path) : undefined
  if (!operation) {
    const path = event.path.split('?')[0]?.slice(0, 200) ?? ''
    setResponseStatus(event, 404)
    const error = new LoomError('not_found', `There is nothing to ${event.method} at ${path}. GET /v1/openapi.json tells what there is.`)
    return ANTHROPIC.test(path) ? toAnthropicError(error) : toOpenAiError(error)
  }
  await serveOperation(operation, event.node.req, event.node.res, useRuntime())
  event._handled = true
})

import type { H3Event } from 'h3'
import { defineNitroPlugin } from 'nitropack/runtime'
import { statusLabel } from '../operations/metrics'
import { useRuntime } from '../runtime'

const startedAt = new WeakMap<H3Event, number>()
/** Asked every few seconds by load balancers and scrapers, or files of the app: nothing a log is read for. */
const QUIET = /^\/(?:health|ready|metrics|_nuxt\/|_fonts\/|favicon)/

/** One line a request for all that is not a model call, which writes its own. Paths only: a query may hold a token. */
export default defineNitroPlugin(({ hooks }) => {
  hooks.hook('request', (event) => {
    startedAt.set(event, performance.now())
  })
  hooks.hook('afterResponse', (event) => {
    const path = event.path.split('?')[0] ?? ''
    if (QUIET.test(path)) return
    const { log, metrics } = useRuntime()
    const status = event.node.res.statusCode
    const latencyMs = Math.round(performance.now() - (startedAt.get(event) ?? performance.now()))
    metrics.httpRequests.inc({ method: event.method, status: statusLabel(status) })
    log.info({ requestId: event.node.res.getHeader('x-request-id'), method: event.method, path: redactPath(path), status, latencyMs }, 'request')
  })
})

/** Invitations carry their token in the path. */
function redactPath(path: string): string {
  return path.replace(/^(\/(?:api\/invitations|invite)\/)[^/]+/, '$1…')
}

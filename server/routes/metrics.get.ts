import { createHash, timingSafeEqual } from 'node:crypto'
import { defineEventHandler, getRequestHeader, setResponseHeader, setResponseStatus } from 'h3'
import { useRuntime } from '../runtime'

/** Prometheus. Public unless METRICS_TOKEN is set; then for who sends it as a bearer token. */
export default defineEventHandler(async (event) => {
  const { config, db, metrics, gateway } = useRuntime()
  if (config.METRICS_TOKEN && !sameSecret(getRequestHeader(event, 'authorization') ?? '', `Bearer ${config.METRICS_TOKEN}`)) {
    setResponseStatus(event, 401)
    return 'The metrics need the bearer token of METRICS_TOKEN.\n'
  }
  for (const [state, connections] of Object.entries(gateway.pools.stats())) metrics.upstreamConnections.set({ state }, connections)
  for (const [pool, { running, waiting }] of Object.entries(db.load())) {
    metrics.databaseWork.set({ pool, state: 'running' }, running)
    metrics.databaseWork.set({ pool, state: 'waiting' }, waiting)
  }
  setResponseHeader(event, 'content-type', metrics.registry.contentType)
  return metrics.registry.metrics()
})

/** Compared by digest, so that neither length nor content shows in the time it takes. */
function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

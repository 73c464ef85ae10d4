import { defineEventHandler, setResponseStatus } from 'h3'
import { checkReadiness } from '../operations/check-readiness'
import { useRuntime } from '../runtime'

/** Public: whether calls should be sent here now, for load balancers. */
export default defineEventHandler(async (event) => {
  const readiness = await checkReadiness(useRuntime())
  if (!readiness.ready) setResponseStatus(event, 503)
  return readiness
})

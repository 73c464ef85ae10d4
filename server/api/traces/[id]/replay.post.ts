import { replayTrace } from '../../../traces/replay-trace'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { ReplayTrace } from '../../../../shared/traces'

/** Its answer shows the bodies of the call, so it is for who may see them. */
export default defineApiHandler({ access: 'member', role: 'admin' }, async ({ event, principal, ip, runtime }) => {
  const left = new AbortController()
  event.node.res.on('close', () => left.abort())
  return replayTrace(runtime, { principal, ip }, readId(event), await readJson(event, ReplayTrace), left.signal)
})

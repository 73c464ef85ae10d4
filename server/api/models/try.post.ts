import { tryModel } from '../../chat/try-model'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { TryModel } from '../../../shared/model-routes'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const input = await readJson(event, TryModel)
  const left = new AbortController()
  event.node.res.once('close', () => event.node.res.writableEnded || left.abort())
  return tryModel(runtime, principal, input, left.signal)
})

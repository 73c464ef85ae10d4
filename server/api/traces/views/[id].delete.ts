import { sendNoContent } from 'h3'
import { deleteView } from '../../../traces/saved-views'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'viewer' }, async ({ event, principal, runtime }) => {
  await deleteView(runtime.db.orm, principal, readId(event))
  return sendNoContent(event)
})

import { sendNoContent } from 'h3'
import { removeFile } from '../../../files/remove-file'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  await removeFile(runtime.db.orm, principal, readId(event))
  return sendNoContent(event)
})

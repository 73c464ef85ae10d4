import { readFile } from '../../../files/read-file'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'
import { sendFile } from '../../../utils/send-file'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) =>
  sendFile(event, await readFile(runtime, principal, readId(event))))

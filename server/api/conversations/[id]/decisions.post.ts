import { sendNoContent } from 'h3'
import { decideTool } from '../../../chat/decide-tool'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { DecideTool } from '../../../../shared/answers'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  await decideTool(runtime.db, principal, readId(event), await readJson(event, DecideTool))
  return sendNoContent(event)
})

import { setResponseHeaders } from 'h3'
import { exportAsMarkdown, exportConversation } from '../../../chat/export-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readQuery } from '../../../utils/read-request'
import { ExportQuery } from '../../../../shared/conversation-export'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  const { format } = readQuery(event, ExportQuery)
  const exported = await exportConversation(runtime.db.orm, principal, readId(event))
  const [type, extension] = format === 'json' ? ['application/json', 'json'] : ['text/markdown; charset=utf-8', 'md']
  setResponseHeaders(event, { 'content-type': type, 'content-disposition': `attachment; filename="conversation.${extension}"` })
  return format === 'json' ? JSON.stringify(exported, null, 2) : exportAsMarkdown(exported)
})

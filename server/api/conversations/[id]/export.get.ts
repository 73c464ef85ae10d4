import { setResponseHeaders } from 'h3'
import { exportAsMarkdown, exportConversation } from '../../../chat/export-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readQuery } from '../../../utils/read-request'
import { ExportQuery } from '../../../../shared/conversation-export'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  const { format } = readQuery(event, ExportQuery)
  const id = readId(event)
  const exported = format === 'json' ? JSON.stringify(await exportConversation(runtime, principal, id), null, 2) : await exportAsMarkdown(runtime.db.orm, principal, id)
  const [type, extension] = format === 'json' ? ['application/json', 'json'] : ['text/markdown; charset=utf-8', 'md']
  setResponseHeaders(event, { 'content-type': type, 'content-disposition': `attachment; filename="conversation.${extension}"` })
  return exported
})

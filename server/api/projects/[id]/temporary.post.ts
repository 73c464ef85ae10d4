import { askTemporarily } from '../../../chat/ask-temporarily'
import { defineApiHandler } from '../../../utils/api-handler'
import { sendEvents } from '../../../utils/event-stream'
import { readId, readJson } from '../../../utils/read-request'
import { AskTemporarily, TEMPORARY_TEXT_MAX } from '../../../../shared/temporary-chat'

/** A character may take four bytes, and JSON adds its own. */
const MAX_BYTES = TEMPORARY_TEXT_MAX * 4 + 1024 * 1024

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const events = await askTemporarily(runtime, principal, readId(event), await readJson(event, AskTemporarily, MAX_BYTES))
  return sendEvents(event, events)
})

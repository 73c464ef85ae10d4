import { previewInvitation } from '../../../identity/preview-invitation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readToken } from '../../../utils/read-request'

export default defineApiHandler({ access: 'public' }, ({ event, runtime }) => previewInvitation(runtime.db.orm, readToken(event)))

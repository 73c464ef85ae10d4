import { readArtifact } from '../../../artifacts/read-artifact'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'
import { sendPreview } from '../../../utils/send-preview'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) =>
  sendPreview(event, await readArtifact(runtime, principal, readId(event))))

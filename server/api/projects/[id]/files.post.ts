import { getRequestHeader, setResponseStatus } from 'h3'
import { storeFile } from '../../../files/store-file'
import { defineApiHandler } from '../../../utils/api-handler'
import { readChunks, readId, readQuery } from '../../../utils/read-request'
import { UploadQuery } from '../../../../shared/files'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const query = { ...readQuery(event, UploadQuery), contentType: getRequestHeader(event, 'content-type') }
  const stored = await storeFile(runtime, principal, readId(event), query, readChunks(event, runtime.config.MAX_FILE_BYTES))
  setResponseStatus(event, 201)
  return stored
})

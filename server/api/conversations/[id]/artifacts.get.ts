import { listArtifacts } from '../../../artifacts/list-artifacts'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listArtifacts(runtime.db.orm, principal, readId(event)))

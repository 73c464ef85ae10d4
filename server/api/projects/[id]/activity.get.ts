import { reportActivity } from '../../../projects/report-activity'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  reportActivity(runtime.db.orm, principal, readId(event)))

import { setRetention } from '../../../traces/org-retention'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson, readVersion } from '../../../utils/read-request'
import { Retention } from '../../../../shared/retention'

export default defineApiHandler({ access: 'member', role: 'owner', orgWide: true }, async ({ event, principal, ip, runtime }) =>
  setRetention(runtime.db.orm, { principal, ip }, await readJson(event, Retention), readVersion(event))
)

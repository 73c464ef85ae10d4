import { listOrgs } from '../../../platform/list-orgs'
import { defineApiHandler } from '../../../utils/api-handler'
import { readQuery } from '../../../utils/read-request'
import { PlatformOrgQuery } from '../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, ({ event, runtime }) => listOrgs(runtime.db.orm, readQuery(event, PlatformOrgQuery)))

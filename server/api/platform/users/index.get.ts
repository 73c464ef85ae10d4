import { listUsers } from '../../../platform/list-users'
import { defineApiHandler } from '../../../utils/api-handler'
import { readQuery } from '../../../utils/read-request'
import { PlatformUserQuery } from '../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, ({ event, runtime }) => listUsers(runtime.db.orm, readQuery(event, PlatformUserQuery)))

import { listKeys } from '../../keys/list-keys'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { KeyQuery } from '../../../shared/keys'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ event, principal, runtime }) => listKeys(runtime.db.orm, principal, readQuery(event, KeyQuery)))

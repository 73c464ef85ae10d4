import { getWallet } from '../billing/get-wallet'
import { defineApiHandler } from '../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'viewer', orgWide: true }, ({ principal, runtime }) => getWallet(runtime.db.orm, principal.orgId))

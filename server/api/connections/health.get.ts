import { listHealth } from '../../connections/list-health'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member', orgWide: true }, ({ principal, runtime }) => listHealth(runtime.db, runtime.gateway.health, principal))

import { testConnection } from '../../../connections/test-connection'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { TestConnection } from '../../../../shared/connections'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) =>
  testConnection(runtime.db.orm, runtime.keyring, runtime.gateway.pools.send, { principal, ip }, readId(event), await readJson(event, TestConnection)))

import { currentSession } from '../../identity/current-session'
import { switchOrg } from '../../identity/switch-org'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { SwitchOrg } from '../../../shared/identity'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  const { orgId } = await readJson(event, SwitchOrg)
  return switchOrg(runtime.db.orm, await currentSession(event, runtime, principal), orgId)
})

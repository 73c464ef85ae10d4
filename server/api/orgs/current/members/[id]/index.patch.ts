import { sendNoContent } from 'h3'
import { changeMemberRole } from '../../../../../identity/change-member-role'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../../../utils/read-request'
import { UpdateMember } from '../../../../../../shared/identity'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  const { role } = await readJson(event, UpdateMember)
  await changeMemberRole(runtime.db.orm, { principal, ip }, id, role, readVersion(event))
  return sendNoContent(event)
})

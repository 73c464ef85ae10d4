import { setResponseStatus } from 'h3'
import { branchOff } from '../../../../../chat/branch-off'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId, readJson } from '../../../../../utils/read-request'
import { BranchOff } from '../../../../../../shared/conversations'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const conversation = await branchOff(runtime, principal, readId(event), readId(event, 'messageId'), await readJson(event, BranchOff))
  setResponseStatus(event, 201)
  return conversation
})

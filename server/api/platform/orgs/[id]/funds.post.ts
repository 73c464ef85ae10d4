import { postFunds } from '../../../../billing/post-funds'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson } from '../../../../utils/read-request'
import { PostFunds } from '../../../../../shared/billing'

/** Tops an org's wallet up, or corrects it. */
export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) =>
  postFunds(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, PostFunds))
)

import { refundCharge } from '../../../../billing/refund-charge'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson } from '../../../../utils/read-request'
import { RefundCharge } from '../../../../../shared/billing'

/** Gives a charge of an org back to it. */
export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) =>
  refundCharge(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, RefundCharge))
)

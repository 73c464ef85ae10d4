import { updateWallet } from '../../../../billing/update-wallet'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../../utils/read-request'
import { WalletSettings } from '../../../../../shared/billing'

/** Whether an org prepays or is unlimited, and what it is charged on top of what calls cost. */
export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) =>
  updateWallet(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, WalletSettings), readVersion(event))
)

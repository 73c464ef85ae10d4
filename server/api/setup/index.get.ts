import { isSetupNeeded } from '../../identity/setup'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'public' }, async ({ runtime }) => ({ needed: await isSetupNeeded(runtime.db.orm) }))

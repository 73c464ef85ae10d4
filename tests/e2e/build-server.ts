import { ensureBuilt } from '../../scripts/ensure-build.mjs'
import { withLock } from '../../scripts/take-lock.mjs'

/** Before any test, so that no test's time is spent on it. */
export default () => withLock('build', ensureBuilt)

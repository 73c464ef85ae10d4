import type { Orm } from '../../db/client'
import type { KeyList } from '../../shared/keys'
import type { Principal } from '../identity/principal'
import { visibleKeys } from './key-visibility'
import { selectKeys } from './select-keys'

/** All keys of the principal's org, revoked ones too, newest first. */
export async function listKeys(orm: Orm, principal: Principal): Promise<KeyList> {
  return { keys: await selectKeys(orm, principal, visibleKeys(principal)) }
}

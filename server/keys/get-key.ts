import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import type { ApiKey } from '../../shared/keys'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'
import { visibleKeys } from './key-visibility'
import { selectKeys } from './select-keys'

/** @throws {LoomError} `not_found` when the principal sees no such key */
export async function getKey(orm: Orm, principal: Principal, keyId: string): Promise<ApiKey> {
  const [key] = await selectKeys(orm, principal, and(eq(apiKeys.id, keyId), visibleKeys(principal)))
  if (!key) throw new LoomError('not_found', 'There is nothing with this id.')
  return key
}

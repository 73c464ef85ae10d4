import type { Orm } from '../../db/client'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { AnswerCache } from './answer-cache'

/**
 * Forgets all cached answers of the author's org, on every replica.
 * @throws {LoomError} `service_unavailable` when the cache cannot be reached
 */
export async function purgeAnswers(orm: Orm, answers: AnswerCache, author: Author): Promise<void> {
  const { orgId } = author.principal
  await answers.purge(orgId)
  await orm.transaction(transaction => recordChange(transaction, author, { action: 'cache.purge', target: `org:${orgId}` }))
}

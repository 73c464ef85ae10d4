import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { alertWebhooks } from '../../db/schema'
import type { CreateAlertWebhook, CreatedAlertWebhook } from '../../shared/alerts'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireRoom } from '../audit/require-room'
import type { Keyring } from '../crypto/keyring'
import { toWebhook } from './list-alerts'
import { requireReachable } from './require-reachable'
import { sealWebhookSecret } from './seal-webhook-secret'
import { generateWebhookSecret } from './sign-webhook'

const MAX_WEBHOOKS = 20

/**
 * The signing secret is in the answer and nowhere else.
 * @throws {LoomError} `invalid_request` for an address that tenants may not reach, `conflict` when the org has as many webhooks as it may
 */
export async function createWebhook(orm: Orm, keyring: Keyring, author: Author, { name, url }: CreateAlertWebhook): Promise<CreatedAlertWebhook> {
  const { principal } = author
  const { orgId } = principal
  requireReachable(principal, url)
  const [id, secret] = [uuidv7(), generateWebhookSecret()]
  return orm.transaction(async (transaction) => {
    const [row] = await transaction.insert(alertWebhooks).values({ id, orgId, name, url, ...sealWebhookSecret(keyring, orgId, id, secret) }).returning()
    if (!row) throw new Error('The webhook just written was not returned')
    await recordChange(transaction, author, { action: 'alert_webhook.create', target: `alert_webhook:${id}`, after: { name, url } })
    await requireRoom(transaction, alertWebhooks, eq(alertWebhooks.orgId, orgId), MAX_WEBHOOKS, 'webhooks')
    return { ...toWebhook(row), secret }
  })
}

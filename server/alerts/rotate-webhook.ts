import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertWebhooks } from '../../db/schema'
import type { CreatedAlertWebhook } from '../../shared/alerts'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { Keyring } from '../crypto/keyring'
import { toWebhook } from './list-alerts'
import { lockWebhook } from './lock-webhook'
import { sealWebhookSecret } from './seal-webhook-secret'
import { generateWebhookSecret } from './sign-webhook'

/** Gives a webhook a new signing secret; the one so far signs nothing more. @throws {LoomError} `not_found` */
export async function rotateWebhook(orm: Orm, keyring: Keyring, author: Author, webhookId: string): Promise<CreatedAlertWebhook> {
  const secret = generateWebhookSecret()
  return orm.transaction(async (transaction) => {
    const row = await lockWebhook(transaction, author.principal, webhookId)
    await transaction.update(alertWebhooks).set(sealWebhookSecret(keyring, row.orgId, row.id, secret)).where(eq(alertWebhooks.id, row.id))
    await recordChange(transaction, author, { action: 'alert_webhook.rotate', target: `alert_webhook:${webhookId}` })
    return { ...toWebhook(row), secret }
  })
}

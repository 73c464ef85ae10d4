import { CURRENT_KEY_VERSION, open, seal } from '../crypto/envelope'
import type { Keyring } from '../crypto/keyring'

const contextOf = (orgId: string, webhookId: string) => `alert_webhook:${orgId}:${webhookId}`

/** The columns a webhook's signing secret is stored in, sealed for its row alone. */
export function sealWebhookSecret(keyring: Keyring, orgId: string, webhookId: string, secret: string) {
  const { data, iv } = seal(keyring.forPlatform(), contextOf(orgId, webhookId), Buffer.from(secret))
  return { secret: data, secretIv: iv, encryptionKeyVersion: CURRENT_KEY_VERSION }
}

/** @throws {Error} when it was sealed under another master key */
export function openWebhookSecret(keyring: Keyring, { orgId, id, secret, secretIv }: { orgId: string, id: string, secret: Buffer, secretIv: Buffer }): string {
  return open(keyring.forPlatform(), contextOf(orgId, id), { data: secret, iv: secretIv }).toString('utf8')
}

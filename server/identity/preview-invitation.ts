import type { Orm } from '../../db/client'
import type { InvitationPreview } from '../../shared/identity'
import { findOpenInvitation } from './find-open-invitation'

/**
 * What whoever holds the link may know before accepting.
 * @throws {LoomError} `not_found`
 */
export async function previewInvitation(orm: Orm, token: string): Promise<InvitationPreview> {
  const { orgName, email, role } = await findOpenInvitation(orm, token)
  return { orgName, email, role }
}

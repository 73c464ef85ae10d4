import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits, fit for a link. */
export function generateInvitationToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored of a token, and looked up by. */
export function hashInvitationToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

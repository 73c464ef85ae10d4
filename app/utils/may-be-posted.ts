import type { ApiError } from './api-error'

/** The ledger looks for a reference before it refuses with one of these: what it refuses so is not posted. */
const REFUSED_BY_LEDGER = new Set(['conflict', 'not_found', 'insufficient_funds', 'invalid_request', 'ref_id_conflict'])

/**
 * Whether what was sent to a wallet may be posted, though it failed: without an answer nobody knows, and what nobody knew before (`mightBefore`) is not told by
 * a session that has ended or a limit of requests.
 */
export function mayBePosted({ status, code }: Pick<ApiError, 'status' | 'code'>, mightBefore: boolean): boolean {
  return status < 400 || status >= 500 || (mightBefore && !REFUSED_BY_LEDGER.has(code))
}

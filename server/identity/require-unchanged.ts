import { isDeepStrictEqual } from 'node:util'
import { LoomError } from '../errors'
import type { Principal } from './principal'

/**
 * @param now who calls, asked again
 * @throws {LoomError} `unauthenticated` when they are nobody any more, `forbidden` when they act elsewhere, or may do more or less than before
 */
export function requireUnchanged(before: Principal, now: Principal | null): void {
  if (!now) throw new LoomError('unauthenticated', 'Your session has ended. Sign in again.')
  if (!isDeepStrictEqual(before, now)) throw new LoomError('forbidden', 'What you may do here has just changed. Try again.')
}

/** Longer answers are not cached. */
export const MAX_CACHED_BYTES = 2 * 1024 * 1024

/** Where sealed answers are kept: bytes by org and name. What it forgets too early is asked again; it must never give one org another's. */
export interface AnswerStore {
  get: (orgId: string, name: string) => Promise<Buffer | undefined>
  set: (orgId: string, name: string, value: Buffer, ttlSeconds: number) => Promise<void>
  /** Forgets all of an org's, on every replica. */
  purge: (orgId: string) => Promise<void>
}

/** Longer answers are not cached. */
export const MAX_CACHED_BYTES = 2 * 1024 * 1024

/** Where sealed answers are kept: bytes by org and name. What it forgets too early is asked again; it must never give one org another's. */
export interface AnswerStore {
  /** Tells an org's purges apart: what was begun before one is not kept after it. */
  generation: (orgId: string) => Promise<bigint>
  get: (orgId: string, name: string) => Promise<{ value: Buffer | undefined, generation: bigint }>
  /** @param generation of the org when the value began to be made; nothing is kept under an older one than the org's */
  set: (orgId: string, name: string, value: Buffer, ttlSeconds: number, generation: bigint) => Promise<void>
  /** Forgets all of an org's, on every replica. */
  purge: (orgId: string) => Promise<void>
}

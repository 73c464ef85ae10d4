import type { RouteTarget } from '#shared/model-routes'

/** A target as the form holds it: an empty number field is undefined. */
export interface TargetDraft extends Omit<RouteTarget, 'timeoutMs' | 'retries'> {
  timeoutMs: number | null | undefined
  retries: number | null | undefined
}

import type { z } from 'zod'
import { ChangedMeanwhile } from '#shared/errors'
import { toApiError } from '~/utils/api-error'

export interface Conflict {
  by: string | null
  at: string | null
  /** Lets the same save pass. */
  version: string
  /** What can be edited of it, as it is now. */
  current: Record<string, unknown>
  changes: { label: string, now: string }[]
}

/**
 * What somebody else changed while a form was open, until the person at it decides.
 * @param labels of the fields the form is about
 * @param formats of those whose values are not told as they are
 */
export function useConflict(labels: Record<string, string>, formats: Record<string, (value: unknown) => string> = {}) {
  const { t } = useI18n()
  const conflict = shallowRef<Conflict>()

  /** Whether `thrown` tells of a conflict, which is then shown; `seen` is the thing as the form was opened with it. */
  function caught(thrown: unknown, seen: Record<string, unknown>): boolean {
    const error = toApiError(thrown, t)
    const parsed = ChangedMeanwhile.safeParse(error.details)
    if (error.code !== 'conflict' || !parsed.success) return false
    const { version, changedBy, changedAt, current } = parsed.data
    const changed = Object.entries(labels).filter(([name]) => JSON.stringify(seen[name] ?? null) !== JSON.stringify(current[name] ?? null))
    conflict.value = { by: changedBy, at: changedAt, version, current, changes: changed.map(([name, label]) => ({ label, now: (formats[name] ?? describe)(current[name]) ?? t('common.conflict.nothing') })) }
    return true
  }

  /** What the form was opened with, as somebody else has left it: a list may still have it from before. */
  function theirs<Thing extends object>(contract: z.ZodType<Thing>, seen: Thing): Thing {
    return contract.parse({ ...seen, ...conflict.value?.current, version: conflict.value?.version })
  }

  function settle() {
    conflict.value = undefined
  }
  return { conflict, caught, theirs, settle }
}

function describe(value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

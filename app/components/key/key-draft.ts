import type { ApiKey, KeyScope } from '#shared/keys'
import { CreateKey } from '#shared/keys'
import { KeyLimits } from '#shared/policy'
import { z } from 'zod'
import { fromLocalTime, toLocalTime } from '~/utils/local-time'
import type { LimitsDraft } from '~/utils/policy-draft'
import { checkRules, fromLimitsDraft, toLimitsDraft } from '~/utils/policy-draft'

/** A key as its form holds it. */
export interface KeyDraft {
  name: string
  scopes: KeyScope[]
  /** Empty: every model. */
  allowedModels: string[]
  limits: LimitsDraft
  cacheTtlSeconds: number | null | undefined
  /** `YYYY-MM-DDTHH:mm` of the person's own clock; empty: never. */
  expiresAt: string
}

export function emptyKeyDraft(): KeyDraft {
  return { name: '', scopes: ['inference'], allowedModels: [], limits: toLimitsDraft({}), cacheTtlSeconds: null, expiresAt: '' }
}

export function toKeyDraft(key: ApiKey): KeyDraft {
  const { name, scopes, allowedModels, limits, cacheTtlSeconds, expiresAt } = key
  return { name, scopes: [...scopes], allowedModels: [...allowedModels ?? []], limits: toLimitsDraft(limits), cacheTtlSeconds, expiresAt: expiresAt === null ? '' : toLocalTime(expiresAt) }
}

/** What the API takes; of an end that was not touched its very moment. */
export function fromKeyDraft(draft: KeyDraft, seen?: Pick<ApiKey, 'expiresAt'>) {
  const untouched = seen?.expiresAt && draft.expiresAt === toLocalTime(seen.expiresAt)
  return {
    name: draft.name.trim(),
    scopes: draft.scopes,
    allowedModels: draft.allowedModels.length > 0 ? draft.allowedModels : null,
    limits: fromLimitsDraft(draft.limits),
    cacheTtlSeconds: draft.cacheTtlSeconds ?? null,
    expiresAt: untouched ? seen.expiresAt : fromLocalTime(draft.expiresAt) ?? null
  }
}

/** What is wrong with a draft, at the names its fields have in the form. */
export function checkKeyDraft(draft: KeyDraft): { name: string, message: string }[] {
  const { name, scopes, allowedModels, limits, cacheTtlSeconds } = fromKeyDraft(draft)
  return checkRules(Checked, { name, scopes, allowedModels, cacheTtlSeconds, limits })
}

const { name, scopes, allowedModels, cacheTtlSeconds } = CreateKey.shape
const Checked = z.object({ name, scopes, allowedModels, cacheTtlSeconds, limits: KeyLimits })

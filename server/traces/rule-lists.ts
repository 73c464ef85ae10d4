import { z } from 'zod'
import type { Database } from '../../db/client'
import { counterRules } from '../../shared/policy'
import { TraceDecision, TraceSteps } from '../../shared/traces'
import { hashedUuid } from '../utils/hashed-uuid'

/** The rules that let a call pass, in their order, but for what each left. Written down once a month for its org: thousands of calls have the same. */
export interface RuleList {
  /** Derived from the rest, so that every replica knows it unasked. */
  id: string
  orgId: string
  /** Its first day, of UTC: that of the calls that name it, with whose traces it goes. */
  month: string
  decisions: readonly TraceDecision[]
}

/**
 * The steps of a call as its trace keeps them: the decisions themselves where a rule refused it, and in traces from before there were lists; else the
 * list they stand in, with what each of its counters left.
 */
export const StoredSteps = z.union([TraceSteps, z.object({ at: TraceSteps.shape.at, rules: z.guid(), remaining: z.array(z.number()) })])
export type StoredSteps = z.infer<typeof StoredSteps>

const Decisions = z.array(TraceDecision)

/** As `RuleList` names it. */
function monthOf(moment: Date): string {
  return `${moment.toISOString().slice(0, 7)}-01`
}

export function makeRuleList(orgId: string, createdAt: Date, decisions: readonly TraceDecision[]): RuleList {
  const month = monthOf(createdAt)
  return { id: hashedUuid(JSON.stringify([orgId, month, decisions])), orgId, month, decisions }
}

/** Writes them down. Idempotent; in order, so that two replicas with the same ones wait for each other one way. */
export async function keepRuleLists(db: Pick<Database, 'query'>, lists: readonly RuleList[]): Promise<void> {
  const rows = lists.map(({ id, orgId, month, decisions }) => ({ id, org_id: orgId, month, decisions }))
  await db.query(
    `insert into rule_lists (id, org_id, month, decisions)
     select id, org_id, month, decisions from json_to_recordset($1::text::json) as r(id uuid, org_id uuid, month date, decisions jsonb)
      order by org_id, id on conflict do nothing`,
    [JSON.stringify(rows)]
  )
}

/**
 * What a trace tells of its steps.
 * @param listed the decisions of the list that it names; null where it names none, or that is gone
 */
export function openSteps(stored: unknown, listed: unknown): TraceSteps | null {
  const steps = StoredSteps.nullable().parse(stored)
  if (!steps || 'decisions' in steps) return steps
  const left = steps.remaining.values()
  const decisions = (Decisions.nullable().parse(listed) ?? []).map(decision => isCounter(decision) ? { ...decision, remaining: left.next().value } : decision)
  return { at: steps.at, decisions }
}

/**
 * Deletes the lists of months of which their org keeps no trace any more. May run on every replica.
 * @returns how many were deleted
 */
export async function forgetRuleLists(db: Pick<Database, 'query'>, now = new Date()): Promise<number> {
  const rows = await db.query(
    `delete from rule_lists r using orgs o
      where o.id = r.org_id and r.month + interval '1 month' < ($1::timestamptz at time zone 'UTC')::date - (o.settings->'retention'->>'tracesDays')::int
     returning 1`,
    [now]
  )
  return rows.length
}

function isCounter({ rule }: TraceDecision): boolean {
  return counterRules.some(counter => counter === rule)
}

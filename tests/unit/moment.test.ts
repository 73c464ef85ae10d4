import { expect, test } from 'vitest'
import { AuditFilter } from '../../shared/audit'
import { TransactionQuery } from '../../shared/billing'
import { AnalyticsQuery, TimeseriesQuery } from '../../shared/analytics'
import { UpdateOrg } from '../../shared/identity'
import { CreateKey } from '../../shared/keys'
import { Policy } from '../../shared/policy'
import { TraceQuery } from '../../shared/traces'

test.each(['9999-12-31T23:59:59-12:00', '0001-01-01T00:00:00+14:00', '0000-01-01T00:00:00Z', '1000-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '2026-13-01T00:00:00Z', 'yesterday'])('the time %s is refused wherever times are asked for', (from) => {
  for (const schema of [TraceQuery, AuditFilter, TransactionQuery, AnalyticsQuery]) expect(schema.safeParse({ from }).success).toBe(false)
  expect(CreateKey.safeParse({ name: 'k', expiresAt: from }).success).toBe(false)
})

test.each(['1970-01-01T00:00:00Z', '2026-11-29T12:00:00.5+05:30', '9999-12-31T23:59:59Z'])('the time %s is taken', (from) => {
  for (const schema of [TraceQuery, AuditFilter, TransactionQuery, AnalyticsQuery]) expect(schema.safeParse({ from }).success).toBe(true)
})

test('a policy that was stored with any time stays readable: every call under it asks it', () => {
  for (const expiresAt of ['1900-01-01T00:00:00Z', '9999-12-31T23:59:59-12:00']) expect(Policy.safeParse({ expiresAt }).success, expiresAt).toBe(true)
})

test('a time zone has one name, however it is written', () => {
  const zoneOf = (timeZone: string) => UpdateOrg.safeParse({ timeZone }).data?.timeZone
  expect(['europe/BERLIN', 'Europe/Berlin', 'utc', 'Etc/GMT+5'].map(zoneOf)).toEqual(['Europe/Berlin', 'Europe/Berlin', 'UTC', 'Etc/GMT+5'])
  expect(zoneOf('Asia/Kolkata')).toBe(zoneOf('asia/CALCUTTA'))
})

test.each(['+05:30', '+0530', '-08:00', '+14', 'Mars/Olympus', ''])('%j is no time zone', (timeZone) => {
  expect(UpdateOrg.safeParse({ timeZone }).success).toBe(false)
})

test('a chart of a span that no bucket is named for has no more of them than any', () => {
  expect(TimeseriesQuery.safeParse({ from: '2026-01-01T00:00:00Z' }).success).toBe(true)
  expect(TimeseriesQuery.safeParse({ from: '1970-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }).success).toBe(true)
  expect(TimeseriesQuery.safeParse({ from: '1970-01-01T00:00:00Z', to: '9999-12-31T00:00:00Z' }).success).toBe(false)
})

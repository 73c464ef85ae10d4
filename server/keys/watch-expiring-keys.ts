import { z } from 'zod'
import type { Database } from '../../db/client'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import { EXPIRY_WARNING_MS } from '../../shared/keys'

const Row = z.object({ id: z.string(), org_id: z.string(), expires_at: z.string() })

/** Warns once a process of each key that ends within two weeks, and keeps their number as a metric. */
export class ExpiringKeysWatch {
  private readonly known = new Set<string>()

  constructor(private readonly db: Pick<Database, 'query'>, private readonly metrics: Metrics, private readonly log: Log) {}

  async look(): Promise<void> {
    const rows = await this.db.query(
      `select id, org_id, expires_at from api_keys
        where status = 'active' and expires_at > now() and expires_at <= now() + make_interval(secs => $1::float8 / 1000) order by expires_at`,
      [EXPIRY_WARNING_MS]
    )
    this.metrics.expiringKeys.set(rows.length)
    const keys = rows.map(row => Row.parse(row))
    for (const { id, org_id, expires_at } of keys) {
      if (!this.known.has(id)) this.log.warn({ keyId: id, orgId: org_id, expiresAt: new Date(expires_at).toISOString() }, 'An API key expires soon')
    }
    this.known.clear()
    for (const { id } of keys) this.known.add(id)
  }
}

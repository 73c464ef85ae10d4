import { sql } from 'drizzle-orm'
import { bigint, check, customType, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { v7 as uuidv7 } from 'uuid'

/** Primary key: a time-ordered UUIDv7 made by the application, so that it is known before the row is written. */
export const primaryId = () => uuid('id').primaryKey().$defaultFn(() => uuidv7())

/** An amount of money in nano-USD (10⁻⁹ USD), exact. */
export const nanoUsd = (name: string) => bigint(name, { mode: 'bigint' })

/** A count (tokens, milliseconds, bytes) that stays within 2⁵³. */
export const count = (name: string) => bigint(name, { mode: 'number' })

export const timestampTz = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

export const createdAt = () => timestampTz('created_at').notNull().defaultNow()

export const timestamps = {
  createdAt: createdAt(),
  updatedAt: timestampTz('updated_at').notNull().defaultNow().$onUpdate(() => new Date())
}

/** Raw bytes. Read back as a Buffer whichever driver delivered them. */
export const bytea = customType<{ data: Buffer, driverData: Uint8Array }>({
  dataType: () => 'bytea',
  fromDriver: value => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  toDriver: value => value
})

/** Limits a status-like text column to `values`; a check rather than a Postgres enum, so that values can be added in one migration. */
export const oneOf = (name: string, column: AnyPgColumn, values: readonly string[]) =>
  check(name, sql`${column} in (${sql.raw(values.map(value => `'${value}'`).join(', '))})`)

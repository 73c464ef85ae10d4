import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { hashPassword } from 'better-auth/crypto'
import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { platformSettings, users } from '../../db/schema'
import type { CompleteSetup } from '../../shared/identity'
import type { Config } from '../config'
import { ConfigError } from '../config'
import { LoomError } from '../errors'
import { createUser } from './create-user'

const SETUP_TOKENS = 'setup_token_hashes'
/** Replicas starting together each print a link; the newest few work. */
const KEPT_TOKENS = 8

const Hashes = z.array(z.string())

/** Whether nobody has an account yet. */
export async function isSetupNeeded(orm: Orm): Promise<boolean> {
  const [anyone] = await orm.select({ id: users.id }).from(users).limit(1)
  return !anyone
}

/**
 * Readies the first administrator, once a start: makes the one `ADMIN_EMAIL` names, or returns the link with which the first
 * visitor becomes it, to be printed. Undefined when there are users already.
 * @param appUrl where people find this server
 * @throws {ConfigError} when only one of `ADMIN_EMAIL` and `ADMIN_PASSWORD` is set
 */
export async function prepareSetup({ config, db }: { config: Config, db: { orm: Orm } }, appUrl: string): Promise<string | undefined> {
  if (!config.ADMIN_EMAIL !== !config.ADMIN_PASSWORD) throw new ConfigError('ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none')
  if (config.ADMIN_EMAIL && config.ADMIN_PASSWORD) await seedAdmin(db.orm, config.ADMIN_EMAIL.toLowerCase(), config.ADMIN_PASSWORD)
  if (!(await isSetupNeeded(db.orm))) return undefined
  const token = randomBytes(32).toString('base64url')
  await db.orm.transaction(async (transaction) => {
    await lockSetup(transaction)
    const value = [...await readHashes(transaction), hashToken(token)].slice(-KEPT_TOKENS)
    await transaction.insert(platformSettings).values({ name: SETUP_TOKENS, value }).onConflictDoUpdate({ target: platformSettings.name, set: { value } })
  })
  return new URL(`/setup?token=${token}`, appUrl).href
}

/**
 * Makes the first administrator. Of several visitors at once exactly one gets through.
 * @throws {LoomError} `conflict` when somebody already did, `forbidden` when the token is not one of those printed
 */
export async function completeSetup(orm: Orm, input: CompleteSetup): Promise<void> {
  await requireToken(orm, input.token)
  const passwordHash = await hashPassword(input.password)
  await orm.transaction(async (transaction) => {
    await lockSetup(transaction)
    await requireToken(transaction, input.token)
    await createUser(transaction, { name: input.name, email: input.email, passwordHash, role: 'admin', walletMode: 'unlimited' })
    await transaction.delete(platformSettings).where(eq(platformSettings.name, SETUP_TOKENS))
  })
}

/** Leaves an existing account as it is: whoever owns it may have changed the password, or have taken the address before. */
async function seedAdmin(orm: Orm, email: string, password: string): Promise<void> {
  if (await hasAccount(orm, email)) return
  const passwordHash = await hashPassword(password)
  await orm.transaction(async (transaction) => {
    await lockSetup(transaction)
    if (await hasAccount(transaction, email)) return
    await createUser(transaction, { name: email.split('@')[0] ?? email, email, passwordHash, role: 'admin', walletMode: 'unlimited' })
    await transaction.delete(platformSettings).where(eq(platformSettings.name, SETUP_TOKENS))
  })
}

async function hasAccount(orm: Orm, email: string): Promise<boolean> {
  const found = await orm.select({ id: users.id }).from(users).where(eq(users.email, email))
  return found.length > 0
}

async function requireToken(orm: Orm, token: string): Promise<void> {
  if (!(await isSetupNeeded(orm))) throw new LoomError('conflict', 'Loom is set up already. Sign in instead.')
  const presented = Buffer.from(hashToken(token))
  const known = (await readHashes(orm)).filter(hash => timingSafeEqual(Buffer.from(hash), presented))
  if (known.length === 0) throw new LoomError('forbidden', 'This set-up link is not valid. Use the newest one that Loom printed when it started.')
}

/** Held until the transaction ends: tokens, seeding and completion wait for one another. */
async function lockSetup(transaction: Orm): Promise<void> {
  await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended('loom:setup', 0))`)
}

async function readHashes(orm: Orm): Promise<string[]> {
  const [row] = await orm.select({ value: platformSettings.value }).from(platformSettings).where(eq(platformSettings.name, SETUP_TOKENS))
  return Hashes.parse(row?.value ?? [])
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

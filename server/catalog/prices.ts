import { and, desc, eq, isNull, or } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Orm } from '../../db/client'
import { modelPrices, providerConnections } from '../../db/schema'
import type { CreateModelPrice, ModelPrice, ModelPriceList } from '../../shared/model-routes'
import { recordChange } from '../audit/record'
import type { Author, Change } from '../audit/record'
import { notifyCatalog } from '../connections/notify-catalog'
import { LoomError } from '../errors'

/** The price overrides that concern an org, newest first. */
export async function listPrices(orm: Orm, orgId: string): Promise<ModelPriceList> {
  const rows = await orm.select({ price: modelPrices, connection: providerConnections.name }).from(modelPrices)
    .leftJoin(providerConnections, eq(providerConnections.id, modelPrices.connectionId))
    .where(ownOrPlatform(modelPrices.orgId, orgId))
    .orderBy(desc(modelPrices.effectiveFrom), desc(modelPrices.id))
  return { prices: rows.map(({ price, connection }) => toModelPrice(price, connection)) }
}

/**
 * Sets what a model costs from a moment on, for every org or for the author's. Only for platform admins to call: orgs must not price what they owe.
 * @throws {LoomError} `not_found` for a connection that is neither the platform's nor the author's org's; `invalid_request` for one of another kind
 */
export async function createPrice(orm: Orm, author: Author, input: CreateModelPrice): Promise<ModelPrice> {
  return orm.transaction(async (transaction) => {
    const connection = input.connectionId === null ? undefined : await getConnection(transaction, author.principal.orgId, input.connectionId)
    if (connection && connection.kind !== input.providerKind) throw new LoomError('invalid_request', `The connection ${connection.name} is of the kind ${connection.kind}.`, { param: 'providerKind' })
    const orgId = input.ownOrgOnly ? author.principal.orgId : connection?.orgId ?? null
    const [row] = await transaction.insert(modelPrices).values({
      orgId,
      providerKind: input.providerKind,
      connectionId: input.connectionId,
      model: input.model,
      inputPrice: BigInt(input.inputNanoUsd),
      outputPrice: BigInt(input.outputNanoUsd),
      cachedInputPrice: toPrice(input.cachedInputNanoUsd),
      cacheWritePrice: toPrice(input.cacheWriteNanoUsd),
      longCacheWritePrice: toPrice(input.longCacheWriteNanoUsd),
      audioInputPrice: toPrice(input.audioInputNanoUsd),
      cachedAudioInputPrice: toPrice(input.cachedAudioInputNanoUsd),
      audioOutputPrice: toPrice(input.audioOutputNanoUsd),
      audioHourPrice: toPrice(input.audioHourNanoUsd),
      millionCharactersPrice: toPrice(input.millionCharactersNanoUsd),
      thousandSearchesPrice: toPrice(input.thousandSearchesNanoUsd),
      picturePrices: input.pictureNanoUsd,
      effectiveFrom: input.effectiveFrom === undefined ? new Date() : new Date(input.effectiveFrom)
    }).returning()
    if (!row) throw new Error('The price just written was not returned')
    await recordChange(transaction, author, { action: 'model_price.create', target: `model_price:${row.id}`, after: input })
    await notifyCatalog(transaction, orgId)
    return toModelPrice(row, connection?.name ?? null)
  })
}

async function getConnection(transaction: Orm, orgId: string, connectionId: string) {
  const [connection] = await transaction.select().from(providerConnections).where(and(eq(providerConnections.id, connectionId), ownOrPlatform(providerConnections.orgId, orgId)))
  if (!connection) throw new LoomError('not_found', 'There is no connection with this id.', { param: 'connectionId' })
  return connection
}

/**
 * Deletes an override; what was charged by it keeps its figures. Only for platform admins to call.
 * @throws {LoomError} `not_found`
 */
export async function deletePrice(orm: Orm, author: Author, priceId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const [row] = await transaction.delete(modelPrices).where(and(eq(modelPrices.id, priceId), ownOrPlatform(modelPrices.orgId, author.principal.orgId))).returning()
    if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
    await recordChange(transaction, author, deletionOf(row))
    await notifyCatalog(transaction, row.orgId)
  })
}

/** Deletes those that hold over one connection, which is about to go. @returns what to write down of it, each for the org it concerns */
export async function deletePricesOf(transaction: Orm, connectionId: string): Promise<Change[]> {
  const rows = await transaction.delete(modelPrices).where(eq(modelPrices.connectionId, connectionId)).returning()
  return rows.map(row => ({ ...deletionOf(row), orgId: row.orgId ?? undefined }))
}

function deletionOf(row: typeof modelPrices.$inferSelect): Change {
  return { action: 'model_price.delete', target: `model_price:${row.id}`, before: { ...toWritten(row), connectionId: row.connectionId } }
}

function ownOrPlatform(column: AnyPgColumn, orgId: string) {
  return or(eq(column, orgId), isNull(column))
}

function toPrice(nanoUsd: string | null): bigint | null {
  return nanoUsd === null ? null : BigInt(nanoUsd)
}

function toModelPrice(row: typeof modelPrices.$inferSelect, connection: string | null): ModelPrice {
  return { ...toWritten(row), connection: row.connectionId === null || connection === null ? null : { id: row.connectionId, name: connection } }
}

function toWritten(row: typeof modelPrices.$inferSelect): Omit<ModelPrice, 'connection'> {
  return {
    id: row.id,
    providerKind: row.providerKind,
    model: row.model,
    inputNanoUsd: row.inputPrice.toString(),
    outputNanoUsd: row.outputPrice.toString(),
    cachedInputNanoUsd: row.cachedInputPrice?.toString() ?? null,
    cacheWriteNanoUsd: row.cacheWritePrice?.toString() ?? null,
    longCacheWriteNanoUsd: row.longCacheWritePrice?.toString() ?? null,
    audioInputNanoUsd: row.audioInputPrice?.toString() ?? null,
    cachedAudioInputNanoUsd: row.cachedAudioInputPrice?.toString() ?? null,
    audioOutputNanoUsd: row.audioOutputPrice?.toString() ?? null,
    audioHourNanoUsd: row.audioHourPrice?.toString() ?? null,
    millionCharactersNanoUsd: row.millionCharactersPrice?.toString() ?? null,
    thousandSearchesNanoUsd: row.thousandSearchesPrice?.toString() ?? null,
    pictureNanoUsd: row.picturePrices,
    effectiveFrom: row.effectiveFrom.toISOString(),
    platform: row.orgId === null
  }
}

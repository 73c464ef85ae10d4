import { and, eq, isNull, or } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs, providerConnections } from '../../db/schema'
import type { ConnectionTest, TestConnection } from '../../shared/connections'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { MAX_CHOICES } from '../gateway/answer-limits'
import { declaredModels, describeUpstreamModel, servedModel } from '../catalog/connection-models'
import type { ModelSource } from '../catalog/connection-models'
import { modelMode } from '../catalog/model-mode'
import { openConnection } from '../catalog/open-connection'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import type { Connection, Transport } from '../gateway/providers/provider'
import { providers } from '../gateway/providers/registry'
import { readText } from '../gateway/providers/read-text'
import { toUpstreamError, UnreachableError } from '../gateway/transport'
import { readUpstreamError } from '../gateway/upstream-error'
import { mayEdit } from './to-connection'

/** A person waits for it. */
const DEADLINE_MS = 20_000
const MAX_ANSWER_BYTES = 1024 * 1024
/** Enough for a word; some providers take no less. */
const MAX_TOKENS = 16

type Verdict = Omit<ConnectionTest, 'model' | 'latencyMs'>

/**
 * Makes one small chat call over a connection, a disabled one too, and says what came of it. It goes beside the road: nothing is routed,
 * retried, charged or traced, and no circuit hears of it; the audit log does.
 * @throws {LoomError} `not_found`, or `forbidden` for one the author only uses: a test spends its owner's credential
 */
export async function testConnection(orm: Orm, keyring: Keyring, transport: Transport, author: Author, connectionId: string, { model: asked }: TestConnection): Promise<ConnectionTest> {
  const { principal } = author
  const [row] = await orm.select().from(providerConnections)
    .where(and(eq(providerConnections.id, connectionId), or(eq(providerConnections.orgId, principal.orgId), isNull(providerConnections.orgId))))
  if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
  if (!mayEdit(principal, row)) throw new LoomError('forbidden', 'This connection belongs to the platform; only platform admins test it.')
  const [org] = await orm.select({ salt: orgs.encryptionSalt }).from(orgs).where(eq(orgs.id, principal.orgId))
  if (!org) throw new LoomError('not_found', 'This organisation does not exist any more.')
  const model = asked ?? cheapestModel(row)
  const startedAt = performance.now()
  const verdict = model === undefined
    ? { verdict: 'unknown_model' as const, status: null, message: 'The connection lists no chat model. Name one to test it with.' }
    : await judge(() => openConnection(row, keyring, org.salt), model, transport)
  const result = { ...verdict, model: model ?? null, latencyMs: Math.round(performance.now() - startedAt) }
  await orm.transaction(transaction => recordChange(transaction, author, { action: 'connection.test', target: `connection:${row.id}`, after: { model: result.model, verdict: result.verdict, status: result.status } }))
  return result
}

function cheapestModel(source: ModelSource): string | undefined {
  const price = (model: string) => Number(describeUpstreamModel(source, model).price?.outputPrice ?? Number.MAX_SAFE_INTEGER)
  return declaredModels(source).filter(model => modelMode(servedModel(source, model), source.kind) === 'chat').sort((a, b) => price(a) - price(b))[0]
}

async function judge(open: () => Connection, model: string, transport: Transport): Promise<Verdict> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  let connection: Connection
  try {
    connection = open()
  } catch (error) {
    if (!(error instanceof LoomError)) throw error
    return { verdict: 'unreadable', status: null, message: 'Its secret or settings cannot be read: they were saved under another master key. Enter the secret again.' }
  }
  try {
    // Newer models of OpenAI's refuse the older name, other servers do not know the newer.
    const cap = connection.kind === 'openai' || connection.kind === 'azure' ? { max_completion_tokens: MAX_TOKENS } : { max_tokens: MAX_TOKENS }
    const body = { model, messages: [{ role: 'user', content: 'Say OK.' }], ...cap }
    const response = await providers[connection.kind].chatCompletions(connection, { body, upstreamModel: model, stream: false }, transport, signal)
    if (response.status >= 400) {
      const { error } = await readUpstreamError(response)
      return refusal(response.status, error.message, model)
    }
    const answer = Answer.safeParse(JSON.parse(await readText(response.body, MAX_ANSWER_BYTES)))
    if (!answer.success) return { verdict: 'failed', status: response.status, message: 'It answered with something that is no chat completion. Check its base URL.' }
    return { verdict: 'works', status: response.status, message: `${model} answered.` }
  } catch (cause) {
    if (signal.aborted) return { verdict: 'timeout', status: null, message: `There was no answer within ${DEADLINE_MS / 1000} seconds.` }
    if (cause instanceof SyntaxError) return { verdict: 'failed', status: 200, message: 'It answered with something that is no JSON. Check its base URL.' }
    const error = toUpstreamError(cause, signal)
    if (error.code === 'upstream_timeout') return { verdict: 'timeout', status: null, message: error.message }
    return error instanceof UnreachableError
      ? { verdict: 'unreachable', status: null, message: 'Its address cannot be reached. Check the base URL, and that its name leads to a public address.' }
      : { verdict: 'failed', status: null, message: error.message }
  }
}

function refusal(status: number, message: string, model: string): Verdict {
  if (status === 401 || status === 403) return { verdict: 'refused_credential', status, message: 'The provider refused the secret. Replace it.' }
  if (status === 404) return { verdict: 'unknown_model', status, message: `The provider does not know ${model}, or has nothing at this address: ${message}` }
  if (status === 429) return { verdict: 'rate_limited', status, message: `The secret works, but the provider takes no more calls right now: ${message}` }
  return status >= 500 ? { verdict: 'failed', status, message: `The provider failed: ${message}` } : { verdict: 'refused_request', status, message: `The provider refused the call: ${message}` }
}

/** As little as any answer has. */
const Answer = z.looseObject({ choices: z.array(z.looseObject({})).min(1).max(MAX_CHOICES) })

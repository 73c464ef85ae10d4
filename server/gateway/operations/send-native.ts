import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import type { ProviderRequest, Transport, UpstreamResponse } from '../providers/provider'
import type { OperationName } from './operation-name'

/**
 * One attempt at an operation that has no form but the provider's own.
 * @param what as people call it: "embeddings"
 * @throws {LoomError} `invalid_request` when the target's connection does not offer it
 */
export async function sendNative(operation: OperationName, what: string, { connection, provider, upstreamModel }: Target, request: Omit<ProviderRequest, 'upstreamModel'>, transport: Transport, signal: AbortSignal): Promise<UpstreamResponse> {
  const native = provider.native?.(operation, connection, upstreamModel)
  if (!native) throw new LoomError('invalid_request', `Connection "${connection.name}" (${connection.kind}) offers no ${what}. Choose a model of another connection.`, { param: 'model' })
  return native(connection, { ...request, upstreamModel }, transport, signal)
}

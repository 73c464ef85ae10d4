import { z } from 'zod'
import { LoomError } from '../../errors'
import { AzureApiVersion } from './azure-api-version'
import { endpointUrl } from './endpoint-url'
import { mediaPath, mediaRequest } from './media-request'
import { Deployments } from './offered-models'
import { passThroughBody, renamedBody } from './openai-format'
import type { Connection, Provider, ProviderCall, ProviderRequest, UpstreamRequest } from './provider'
import { commonHeaders, sendUpstream } from './send-upstream'

export const AzureConfig = z.strictObject({
  apiVersion: AzureApiVersion.default('2024-10-21'),
  deployments: Deployments.default({})
})

/** What the oldest versions do not have. Source: Azure OpenAI's REST reference, "Responses" and "Image generations - Edit". */
const FIRST_WITH_RESPONSES = '2025-03-01-preview'
const FIRST_WITH_EDITS = '2025-04-01-preview'

/** Azure OpenAI: the upstream model is the name of a deployment. Bytes pass through. */
export const azure: Provider = {
  kind: 'azure',
  Config: AzureConfig,
  chatCompletions: post('chat/completions', chatRequest),
  native(operation, { name, config }) {
    const { apiVersion } = AzureConfig.parse(config)
    const isBefore = (first: string) => apiVersion !== 'v1' && apiVersion < first
    if (operation === 'responses') return isBefore(FIRST_WITH_RESPONSES) ? undefined : post('responses', call => ({ body: renamedBody(call) }))
    if (operation === 'images.edits' && isBefore(FIRST_WITH_EDITS)) throw new LoomError('invalid_request', `Azure edits images from API version ${FIRST_WITH_EDITS} on; connection "${name}" calls ${apiVersion}. Set a later one, or "v1", under Connections.`, { param: 'model' })
    const path = mediaPath(operation, ['moderations', 'rerank'])
    return path === undefined ? undefined : post(path, operation === 'images.edits' ? editRequest : mediaRequest)
  }
}

/** @throws {LoomError} `invalid_request` for one in JSON. Source: Azure OpenAI's REST reference, "Image generations - Edit", which has forms alone. */
function editRequest(call: ProviderRequest, { name }: Connection): ReturnType<typeof mediaRequest> {
  if (!call.form) throw new LoomError('invalid_request', `Azure takes pictures to edit as multipart/form-data alone, and connection "${name}" is Azure's. Send them so, or choose a model of another connection.`, { param: 'Content-Type' })
  return mediaRequest(call)
}

/**
 * A call that reads from data of one's own must not have `stream_options`: its usage is counted here. Source: openai/openai-python#2296, microsoft/semantic-kernel#10510.
 * @throws {LoomError} `invalid_request` for one over a connection of the platform's, whose identity would read what it may for every org
 */
function chatRequest(call: ProviderRequest, { isShared }: Connection): Pick<UpstreamRequest, 'body'> {
  const { stream_options: _, ...body } = call.body
  if (body.data_sources === undefined || body.data_sources === null) return { body: passThroughBody(call) }
  if (isShared) throw new LoomError('invalid_request', '"data_sources" is not taken over a connection that all organisations share. Ask over one of your own.', { param: 'data_sources' })
  return { body: renamedBody({ ...call, body }) }
}

function post(path: string, write: (call: ProviderRequest, connection: Connection) => Pick<UpstreamRequest, 'body'> & Partial<UpstreamRequest>): ProviderCall {
  return async (connection, call, transport, signal) => sendUpstream(connection, azureRequest(connection, call.upstreamModel, path, write(call, connection)), call.stream, transport, signal)
}

function azureRequest(connection: Connection, deployment: string, path: string, { headers, body }: Partial<UpstreamRequest> & Pick<UpstreamRequest, 'body'>): UpstreamRequest {
  const { apiVersion } = AzureConfig.parse(connection.config)
  if (!connection.baseUrl) throw new LoomError('invalid_request', `Connection "${connection.name}" has no endpoint (https://<resource>.openai.azure.com). Set it under Connections.`)
  return {
    url: deploymentUrl(connection.baseUrl, apiVersion, deployment, path),
    headers: { ...commonHeaders, ...(connection.secret && { 'api-key': connection.secret }), ...headers },
    body
  }
}

function deploymentUrl(endpoint: string, apiVersion: string, deployment: string, path: string): URL {
  if (apiVersion === 'v1') return endpointUrl(endpoint, `openai/v1/${path}`)
  // Responses name their deployment in the body alone.
  const url = endpointUrl(endpoint, path === 'responses' ? 'openai/responses' : `openai/deployments/${encodeURIComponent(deployment)}/${path}`)
  url.searchParams.set('api-version', apiVersion)
  return url
}

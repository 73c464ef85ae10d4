import { encodeBody } from './encode-body'
import type { ProviderRequest } from './provider'

/**
 * The caller's body for an upstream that speaks the OpenAI format: the model's name is the upstream's, and a stream
 * is asked to end with its usage. All else passes as it came.
 */
export function passThroughBody(call: ProviderRequest): string {
  if (!call.stream) return renamedBody(call)
  const options = call.body.stream_options
  return encodeBody({ ...call.body, model: call.upstreamModel, stream_options: { ...(typeof options === 'object' ? options : {}), include_usage: true } })
}

/** The caller's body with the upstream's name for the model, and nothing else changed. */
export function renamedBody(call: ProviderRequest): string {
  return encodeBody({ ...call.body, model: call.upstreamModel })
}

import { getHeader } from 'h3'
import { v7 as uuidv7 } from 'uuid'
import { LoomError } from '../../../errors'
import { parseBilling } from '../../../gateway/billing-headers'
import { checkPolicy } from '../../../gateway/check-policy'
import { operationAt } from '../../../gateway/operations/registry'
import { encodeBody } from '../../../gateway/providers/encode-body'
import { readClientIp } from '../../../utils/client-ip'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readJson } from '../../../utils/read-request'
import { PolicyCheckRequest } from '../../../../shared/policy'

/** Any API key that may call models: what would be decided of a call, without making it. Its headers are those of the call. */
export default defineGatewayHandler('any call', async ({ event, caller, runtime }) => {
  const { endpoint, body } = await readJson(event, PolicyCheckRequest, runtime.config.MAX_BODY_BYTES)
  const operation = operationAt(endpoint)
  if (!operation) throw new LoomError('invalid_request', 'The endpoint is not the path of a model call, such as /v1/chat/completions.', { param: 'endpoint' })
  const request = operation.parse(Buffer.from(encodeBody(body)), { ...event.node.req.headers, 'content-type': 'application/json' })
  const billing = parseBilling(getHeader(event, 'x-billing-amount'), getHeader(event, 'x-billing-ref-id'))
  const ip = readClientIp(event.node.req, runtime.config.TRUSTED_PROXIES)
  return checkPolicy(runtime.gateway, runtime.db, { requestId: uuidv7(), operation, request, caller, billing, ip })
})

import type { IncomingHttpHeaders } from 'node:http'
import { getHeader } from 'h3'
import { v7 as uuidv7 } from 'uuid'
import { LoomError } from '../../../errors'
import { parseBilling } from '../../../gateway/billing-headers'
import { checkPolicy } from '../../../gateway/check-policy'
import type { CallRequest, Operation } from '../../../gateway/operations/operation'
import { operationAt } from '../../../gateway/operations/registry'
import { encodeBody } from '../../../gateway/providers/encode-body'
import { beyondMaximum } from '../../../gateway/read-body'
import { readClientIp } from '../../../utils/client-ip'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readJson } from '../../../utils/read-request'
import { PolicyCheckRequest } from '../../../../shared/policy'

/** Any API key that may call models: what would be decided of a call, without making it. Its headers are those of the call. */
export default defineGatewayHandler('any call', async ({ event, caller, runtime }) => {
  const checked = await readJson(event, PolicyCheckRequest, runtime.config.MAX_BODY_BYTES)
  const { endpoint } = checked
  const operation = operationAt(endpoint)
  if (!operation) throw new LoomError('invalid_request', 'The endpoint is not the path of a model call, such as /v1/chat/completions.', { param: 'endpoint' })
  const request = parseChecked(operation, checked, event.node.req.headers)
  const { MAX_UPLOAD_BYTES } = runtime.config
  if (request.bodyBytes !== undefined && request.bodyBytes > MAX_UPLOAD_BYTES) throw beyondMaximum(MAX_UPLOAD_BYTES)
  const billing = parseBilling(getHeader(event, 'x-billing-amount'), getHeader(event, 'x-billing-ref-id'))
  const ip = readClientIp(event.node.req, runtime.config.TRUSTED_PROXIES)
  return checkPolicy(runtime.gateway, runtime.db, { requestId: uuidv7(), operation, request, caller, billing, ip })
})

/** @throws {LoomError} `invalid_request` as the call would, and for a file without its length, or one that the endpoint does not take */
function parseChecked({ parse, parseDescribed, takesJson }: Operation, { body, file_bytes: fileBytes }: PolicyCheckRequest, headers: IncomingHttpHeaders): CallRequest {
  if (!parseDescribed && fileBytes !== undefined) throw new LoomError('invalid_request', 'A call to this endpoint uploads no file.', { param: 'file_bytes' })
  if (!parseDescribed || (takesJson && fileBytes === undefined)) return parse(Buffer.from(encodeBody(body)), { ...headers, 'content-type': 'application/json' })
  if (fileBytes === undefined) throw new LoomError('invalid_request', 'Tell how long the file is that the call uploads.', { param: 'file_bytes' })
  return parseDescribed(body, [fileBytes].flat())
}

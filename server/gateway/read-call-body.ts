import type { IncomingMessage } from 'node:http'
import type { Caller } from './caller'
import type { LoomError } from '../errors'
import type { Operation } from './operations/operation'
import { beyondMaximum, readBody, refuseAtOnce } from './read-body'
import { Upload } from './upload'

/**
 * The body of a model call, no larger than the server and the caller's policy allow.
 * @throws {LoomError} as `readBody`; beyond the policy's limit it names the rule
 */
export function readCallBody(request: IncomingMessage, maxBytes: number, caller: Pick<Caller, 'policy'>): Promise<Buffer> {
  const { bytes, refusal } = limitOf(maxBytes, caller)
  return readBody(request, bytes, refusal)
}

/**
 * A form with a file, as it begins to come; no larger than the server and the caller's policy allow.
 * @throws {LoomError} as `readCallBody`, and `invalid_request` when it is no form
 */
export function openUpload(request: IncomingMessage, maxBytes: number, caller: Pick<Caller, 'policy'>, { longField }: Pick<Operation, 'longField'>): Upload {
  const { bytes, refusal } = limitOf(maxBytes, caller)
  const refused = refuseAtOnce(request, bytes, refusal)
  if (refused) throw refused
  const announced = request.headers['content-length']
  return new Upload(request, announced === undefined ? undefined : Number(announced), bytes, refusal, longField)
}

function limitOf(maxBytes: number, { policy: { bodyLimit } }: Pick<Caller, 'policy'>): { bytes: number, refusal: () => LoomError } {
  return bodyLimit && bodyLimit.maxBytes < maxBytes ? { bytes: bodyLimit.maxBytes, refusal: bodyLimit.refusal } : { bytes: maxBytes, refusal: () => beyondMaximum(maxBytes) }
}

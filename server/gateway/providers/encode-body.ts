import { LoomError } from '../../errors'

/**
 * A request body as JSON.
 * @throws {LoomError} `invalid_request` when the caller nested it so deeply that it can be read but not written
 */
export function encodeBody(body: object): string {
  try {
    return JSON.stringify(body)
  } catch (cause) {
    if (cause instanceof RangeError) throw new LoomError('invalid_request', 'The request body is nested too deeply.', { cause })
    throw cause
  }
}

import type { IncomingMessage } from 'node:http'
import { LoomError } from '../errors'
import { ByteCollector } from '../utils/byte-collector'

/** How much of a refused body is read and dropped, so that its sender gets to read why: one cut off while writing sees a broken pipe. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024

/**
 * The whole request body, at most `maxBytes`.
 * @param tooLarge makes the error beyond that
 * @throws {LoomError} `body_too_large` as soon as the limit is passed, keeping no more of it; `caller_gone` when the connection breaks
 */
export function readBody(request: IncomingMessage, maxBytes: number, tooLarge: () => LoomError = () => beyondMaximum(maxBytes)): Promise<Buffer> {
  const refusal = refuseAtOnce(request, maxBytes, tooLarge)
  if (refusal) return Promise.reject(refusal)
  return new Promise((resolve, reject) => {
    const body = new ByteCollector()
    const onEnd = () => {
      request.off('close', onClose)
      resolve(body.bytes())
    }
    const onClose = () => reject(new LoomError('caller_gone', 'The connection closed before the request was complete.'))
    const onData = (chunk: Buffer) => {
      if (body.size + chunk.length <= maxBytes) return body.push(chunk)
      request.off('data', onData).off('end', onEnd)
      body.clear()
      drop(request)
      reject(tooLarge())
    }
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('error', cause => reject(new LoomError('caller_gone', 'The connection broke before the request was complete.', { cause })))
    request.on('close', onClose)
  })
}

/** What is wrong with a body that has not been read; undefined when it may be. */
export function refuseAtOnce(request: IncomingMessage, maxBytes: number, tooLarge: () => LoomError): LoomError | undefined {
  const encoding = request.headers['content-encoding']
  if (encoding && encoding !== 'identity') return new LoomError('invalid_request', `Send the body uncompressed: content-encoding "${encoding.slice(0, 20)}" is not accepted.`)
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    drop(request)
    return tooLarge()
  }
  // Gone before we came to listen: its events are over, none would settle this.
  return request.destroyed ? new LoomError('caller_gone', 'The connection closed before the request was complete.') : undefined
}

export function beyondMaximum(maxBytes: number): LoomError {
  return new LoomError('body_too_large', `The request body is larger than ${maxBytes} bytes. Send less, or ask an operator to raise the limit.`)
}

/** Reads on, keeping nothing. */
export function drop(request: IncomingMessage): void {
  let dropped = 0
  request.resume()
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length
    if (dropped > MAX_DROPPED_BYTES) request.destroy()
  })
}

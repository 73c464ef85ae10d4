import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { MockBehaviour } from './behaviour'

/** An answer in the dialect of its request, ready to be sent whole or as events. */
export interface MockAnswer {
  streamed: boolean
  /** Default: events where streamed, else JSON. */
  contentType?: string
  /** The body in the pieces it is sent in. */
  pieces: Buffer[]
  errorEvent: string
}

/** Sends an answer as the behaviour says, faults included. Resolves when nothing more will be sent. */
export async function sendAnswer(response: ServerResponse, behaviour: MockBehaviour, answer: MockAnswer): Promise<void> {
  if (behaviour.firstByteDelayMs) await sleep(behaviour.firstByteDelayMs)
  if (response.destroyed || behaviour.fault === 'never-answers') return
  if (behaviour.fault === 'reset') return reset(response)

  const type = answer.contentType ?? (answer.streamed ? 'text/event-stream; charset=utf-8' : 'application/json')
  response.writeHead(behaviour.status, { 'content-type': type, 'x-request-id': 'req_mock', ...behaviour.headers })
  response.flushHeaders()
  const pieces = behaviour.fault ? damage(answer, behaviour.fault) : answer.pieces
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await (behaviour.chunkIntervalMs ? sleep(behaviour.chunkIntervalMs) : nextTurn())
    if (response.destroyed) return
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  if (behaviour.fault === 'stalls') return
  if (behaviour.fault === 'half') {
    // What was written must leave before the reset, or the caller would not see half of it.
    await nextTurn()
    return reset(response)
  }
  response.end()
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

function damage({ streamed, pieces, errorEvent }: MockAnswer, fault: NonNullable<MockBehaviour['fault']>): Buffer[] {
  switch (fault) {
    case 'garbage':
      return [Buffer.from(streamed ? 'data: {"choices":[{"delta"\n\ndata: <html>\n\n' : '{"choices":[{"message" <html>')]
    case 'invalid-utf8':
      return pieces.map(spoilText)
    case 'half':
    case 'stalls':
      return half(pieces)
    case 'error-event':
      return [...half(pieces), Buffer.from(errorEvent)]
    case 'error-first':
      return [Buffer.from(errorEvent)]
    case 'no-end':
      return pieces.slice(0, -1)
    default:
      return pieces
  }
}

function half(pieces: Buffer[]): Buffer[] {
  const only = pieces.length === 1 ? pieces[0] : undefined
  return only ? [only.subarray(0, only.length / 2)] : pieces.slice(0, Math.ceil(pieces.length / 2))
}

/** Puts a byte that UTF-8 never has into the filler's words. */
function spoilText(piece: Buffer): Buffer {
  const at = piece.indexOf('w0 ')
  if (at < 0) return piece
  const spoilt = Buffer.from(piece)
  spoilt[at + 1] = 0xff
  return spoilt
}

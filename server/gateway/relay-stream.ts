import type { Readable } from 'node:stream'
import { LoomError } from '../errors'
import type { StreamTap } from './operations/operation'
import { toUpstreamError } from './transport'

/** Where a streamed answer goes: a socket, or the chat service. */
export interface StreamSink {
  /** Takes bytes; false asks to wait for `drained` before the next. */
  write: (bytes: Buffer) => boolean
  drained: () => Promise<void>
}

export interface Relayed {
  /** Why the stream ended before its time; undefined when it is whole. */
  error: LoomError | undefined
  /** When the upstream's last byte came (performance.now()). */
  endedAt: number
  /** Some of it has gone out. */
  hasBegun: boolean
}

/**
 * Passes a provider's stream on, byte for byte, and lets the tap read it on the way. What the tap holds back, the caller
 * sends once the call is captured. Backpressure goes all the way: a slow reader pauses the upstream. Never throws;
 * whatever ends the stream early is in `error`.
 */
export function relayStream(first: Buffer, body: Readable, sink: StreamSink, tap: StreamTap, signal: AbortSignal): Promise<Relayed> {
  return new Promise((resolve) => {
    let settled = false
    let blocked = false
    let hasBegun = false
    const write = (bytes: Buffer) => {
      hasBegun = true
      return sink.write(bytes)
    }
    const settle = (error: LoomError | undefined) => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', onAbort)
      if (error) body.destroy()
      resolve({ error, endedAt: performance.now(), hasBegun })
    }
    const onAbort = () => settle(toUpstreamError(signal.reason, signal))
    const onData = (chunk: Buffer) => {
      // What a provider sends after its last event is nobody's, and might never end.
      if (settled) return void body.destroy()
      try {
        const forward = tap.push(chunk)
        const [next, second] = forward
        if (next && !write(second ? Buffer.concat(forward) : next)) {
          body.pause()
          blocked = true
          void sink.drained().then(() => {
            blocked = false
            body.resume()
          })
        }
      } catch (error) {
        settle(toUpstreamError(error, signal))
      }
      if (tap.done) settle(undefined)
    }
    const onEnd = () => {
      if (!settled) {
        try {
          tap.end().forEach(write)
        } catch (error) {
          settle(toUpstreamError(error, signal))
        }
      }
      settle(tap.done || tap.whole ? undefined : new LoomError('upstream_error', 'The provider ended its answer half way.'))
    }

    signal.addEventListener('abort', onAbort)
    body.on('error', error => settle(toUpstreamError(error, signal)))
    body.on('end', onEnd)
    body.on('close', onEnd)
    if (signal.aborted) return onAbort()
    onData(first)
    // Broken since its first bytes came: its events are over, none would settle this.
    if (body.destroyed) settle(toUpstreamError(body.errored, signal))
    body.on('data', onData)
    if (!blocked) body.resume()
  })
}

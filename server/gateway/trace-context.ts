/** A caller's place in a distributed trace. Source: W3C Trace Context, https://www.w3.org/TR/trace-context/. */
export interface TraceContext {
  traceId: string
  spanId: string
  /** As they came: one byte in hexadecimal. */
  flags: string
  /** What vendors add, as it came. */
  state: string | undefined
}

/** Versions to come may put more behind what version 00 has. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
/** What every vendor has to carry, of characters that a header may have. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

/** What a call's headers tell of it; undefined without one, and for what is malformed. A malformed `tracestate` is left out. */
export function readTraceContext(traceparent: string | undefined, tracestate: string | undefined): TraceContext | undefined {
  if (traceparent === undefined) return undefined
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined || (version === '00' && more !== undefined)) return undefined
  return { traceId, spanId, flags, state: tracestate !== undefined && TRACESTATE.test(tracestate) ? tracestate : undefined }
}

/** The headers that tell the next one in the trace. */
export function traceHeaders({ traceId, spanId, flags, state }: TraceContext): Record<string, string> {
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(state && { tracestate: state }) }
}

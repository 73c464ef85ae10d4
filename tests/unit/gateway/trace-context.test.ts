import { expect, test } from 'vitest'
import { readTraceContext, traceHeaders } from '../../../server/gateway/trace-context'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test('a place in a trace is read, and told as it was', () => {
  const context = readTraceContext(`00-${traceId}-${spanId}-01`, 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
  expect(context).toEqual({ traceId, spanId, flags: '01', state: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE' })
  expect(context && traceHeaders(context)).toEqual({ traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE' })
})

test('a version to come is read as far as ours goes, and told as ours', () => {
  const context = readTraceContext(`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`, undefined)
  expect(context && traceHeaders(context)).toEqual({ traceparent: `00-${traceId}-${spanId}-01` })
})

test.each([
  '', 'nonsense', `00-${traceId}-${spanId}`, `00-${traceId}-${spanId}-01-more`, `00-${traceId}-${spanId}-1`, `0-${traceId}-${spanId}-01`, `ff-${traceId}-${spanId}-01`,
  `00-${'0'.repeat(32)}-${spanId}-01`, `00-${traceId}-${'0'.repeat(16)}-01`, `00-${traceId.toUpperCase()}-${spanId}-01`, `cc-${traceId}-${spanId}-01.more`, ` 00-${traceId}-${spanId}-01`,
  `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`
])('%j is none', (traceparent) => {
  expect(readTraceContext(traceparent, 'vendor=opaque')).toBeUndefined()
})

test.each(['', 'x'.repeat(513), 'a=\u00ff', 'a=\t'])('the state %j is left out, the rest is kept', (state) => {
  expect(readTraceContext(`00-${traceId}-${spanId}-00`, state)).toEqual({ traceId, spanId, flags: '00', state: undefined })
})

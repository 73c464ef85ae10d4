import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Scalar = z.union([
  z.object({ stringValue: z.string() }).transform(value => value.stringValue),
  z.object({ boolValue: z.boolean() }).transform(value => value.boolValue),
  z.object({ intValue: z.coerce.number() }).transform(value => value.intValue),
  z.object({ doubleValue: z.number() }).transform(value => value.doubleValue)
])
const Value = z.union([Scalar, z.object({ arrayValue: z.object({ values: z.array(Scalar) }) }).transform(value => value.arrayValue.values)])
const Attributes = z.array(z.object({ key: z.string(), value: Value })).transform(list => Object.fromEntries(list.map(({ key, value }) => [key, value])))
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes: Attributes.default({}),
  status: z.object({ code: z.number().optional() }).default({})
})
export type ReceivedSpan = z.infer<typeof Span>
const Export = z.object({ resourceSpans: z.array(z.object({ resource: z.object({ attributes: Attributes }), scopeSpans: z.array(z.object({ spans: z.array(Span) })) })) })

/** An OpenTelemetry collector that takes traces over HTTP, as JSON. */
export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string
  spans: () => ReceivedSpan[]
  /** Everything received, as it came. */
  text: () => string
  stop: () => Promise<void>
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (request.url === '/v1/traces') bodies.push(body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => bodies.flatMap(body => Export.parse(JSON.parse(body)).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))),
    text: () => bodies.join('\n'),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

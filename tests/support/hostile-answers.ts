import { gzipSync } from 'node:zlib'
import type { RawAnswer } from './raw-upstream'

export const MEGABYTE = 1024 * 1024
const GIGABYTE = 1024 * MEGABYTE

export const head = (type: string, more = '') => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nconnection: close\r\n${more}\r\n`
const filler = Buffer.alloc(256 * 1024, 'x')

/** A gigabyte of `piece`, or as much of it as is taken. */
export const gigabyteOf = (start: string, piece: string | Buffer): RawAnswer => async (write, alive) => {
  await write(start)
  for (let sent = 0; sent < GIGABYTE && alive(); sent += piece.length) await write(piece)
}

/** `piece` again and again, for as long as somebody listens. */
export const forever = (start: string, piece: string): RawAnswer => async (write, alive) => {
  await write(start)
  while (alive()) {
    await write(piece)
    await new Promise(resolve => setImmediate(resolve))
  }
}

export const noUtf8 = Buffer.from([0xff, 0xc3, 0x28])

/** An answer with bytes that are no UTF-8 in place of each `<bytes>`. */
export const spoilt = (body: string, type = 'application/json'): RawAnswer => async (write) => {
  const [first = '', ...rest] = body.split('<bytes>')
  await write(Buffer.concat([Buffer.from(head(type) + first), ...rest.flatMap(part => [noUtf8, Buffer.from(part)])]))
}

const deep = '['.repeat(50_000) + ']'.repeat(50_000)
/** In every format an answer that can be read, but is nested too deeply to be written again; it tells no usage, so that it would have to be. */
const deepAnswer = `{"id":"x","object":"response","type":"message","role":"assistant","model":"m","status":"completed",
"output":[{"type":"message","content":${deep}}],
"content":[{"type":"tool_use","id":"t","name":"n","input":${deep}}],
"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":${deep}},"finish_reason":"stop"}],
"candidates":[{"content":{"parts":[{"functionCall":{"name":"n","args":{"a":${deep}}}}]},"finishReason":"STOP"}]}`

/** What no provider would answer, whatever it was asked. */
export const hostileAnswers: Record<string, RawAnswer> = {
  'whole-gigabyte': gigabyteOf(head('application/json'), filler),
  'error-gigabyte': gigabyteOf(head('application/json').replace('200 OK', '500 Oops'), filler),
  'endless-line': gigabyteOf(head('text/event-stream') + 'data: ', filler),
  'endless-comment': gigabyteOf(head('text/event-stream') + ': ', filler),
  'endless-event': gigabyteOf(head('text/event-stream'), `data: ${'x'.repeat(64 * 1024)}\n`),
  'gzip-bomb': gigabyteOf(head('application/json', 'content-encoding: gzip\r\n'), gzipSync(Buffer.alloc(64 * MEGABYTE))),
  'endless-header': gigabyteOf('HTTP/1.1 200 OK\r\nx-long: ', filler),
  'endless-headers': gigabyteOf('HTTP/1.1 200 OK\r\n', 'x-one-of-many: value\r\n'.repeat(1_000)),
  'endless-trailers': gigabyteOf('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n', 'x-one-of-many: value\r\n'.repeat(1_000)),
  'no-http': gigabyteOf('', 'SSH-2.0-OpenSSH\r\n'),
  'garbage': write => write(`${head('application/json')}{"choices":[{"message" <html>`),
  'garbage-stream': write => write(`${head('text/event-stream')}data: {"choices":[{"delta"\n\ndata: <html>\n\n`),
  'deep': write => write(head('application/json') + deepAnswer),
  'half': write => write(`${head('application/json', 'content-length: 10000\r\n')}{"id":"c"`),
  'silent-stream': write => write(head('text/event-stream'))
}

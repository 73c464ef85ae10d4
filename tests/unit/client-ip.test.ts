import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { readClientIp } from '../../server/utils/client-ip'

function requestFrom(peer: string, forwarded?: string): IncomingMessage {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  const request = new IncomingMessage(socket)
  if (forwarded !== undefined) request.headers['x-forwarded-for'] = forwarded
  return request
}

const proxies = ['10.0.0.0/8', '::1']

test.each([
  ['without a proxy, the peer', '192.0.2.7', undefined, '192.0.2.7'],
  ['a stranger\'s X-Forwarded-For is not believed', '192.0.2.7', '198.51.100.1', '192.0.2.7'],
  ['a trusted proxy is believed', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['what a caller wrote before the proxy added to it is not', '10.1.2.3', '127.0.0.1, 198.51.100.1', '198.51.100.1'],
  ['a chain of trusted proxies is followed to its start', '10.1.2.3', '198.51.100.1, 10.9.9.9', '198.51.100.1'],
  ['what is no address ends the chain', '10.1.2.3', 'unknown', '10.1.2.3'],
  ['IPv4 written as IPv6 is IPv4', '::ffff:192.0.2.7', undefined, '192.0.2.7'],
  ['a trusted proxy may speak IPv6', '::1', '2001:db8::5', '2001:db8::5'],
  ['a trusted proxy may write ports', '10.1.2.3', '198.51.100.1:51234, 10.9.9.9:443', '198.51.100.1'],
  ['a trusted proxy may write ports of IPv6', '::1', '[2001:db8::5]:51234', '2001:db8::5'],
  ['a trusted proxy may write IPv6 in brackets', '::1', '[::ffff:198.51.100.1]', '198.51.100.1'],
  ['a port alone is no address', '10.1.2.3', ':51234', '10.1.2.3']
])('%s', (_, peer, forwarded, expected) => {
  expect(readClientIp(requestFrom(peer, forwarded), proxies)).toBe(expected)
})

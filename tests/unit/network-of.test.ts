import { expect, test } from 'vitest'
import { networkOf } from '../../server/keys/network-of'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:1::1', '2001:db8:0:1'],
  ['2001:0db8::1:0:0:0:2', '2001:db8:0:1'],
  ['::1', '0:0:0:0']
])('%s is counted by %s', (ip, network) => {
  expect(networkOf(ip)).toBe(network)
})

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/**
 * The address a request comes from: the peer's, or, when the peer is a trusted proxy, the last address in
 * `X-Forwarded-For` that is not one. Anyone can write that header, so nobody else is believed.
 */
export function readClientIp(request: IncomingMessage, trustedProxies: readonly string[]): string | null {
  const peer = plain(request.socket?.remoteAddress ?? '')
  if (isIP(peer) === 0) return null
  const forwarded = request.headers['x-forwarded-for']
  if (forwarded === undefined) return peer
  const proxies = blockListOf(trustedProxies)
  const hops = [...(Array.isArray(forwarded) ? forwarded.join(',') : forwarded).split(',').map(plain).filter(Boolean), peer]
  while (hops.length > 1 && isTrusted(hops.at(-1) ?? '', proxies) && isIP(hops.at(-2) ?? '') !== 0) hops.pop()
  return hops.at(-1) ?? null
}

const blockLists = new WeakMap<readonly string[], BlockList>()

/** Made once a list, not once a call: it lives outside of V8, which makes it dear to make and to collect. */
function blockListOf(ranges: readonly string[]): BlockList {
  const known = blockLists.get(ranges)
  if (known) return known
  const made = toBlockList(ranges)
  blockLists.set(ranges, made)
  return made
}

/** @throws {Error} when a range is neither an address nor a CIDR range */
export function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIP(address)
    if (family === 0) throw new Error(`${range} is no IP address or CIDR range`)
    list.addSubnet(address, prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix), family === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

function isTrusted(address: string, proxies: BlockList): boolean {
  const family = isIP(address)
  return family !== 0 && proxies.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * `::ffff:192.0.2.1`, as dual-stack sockets write it, is 192.0.2.1. Some proxies write the port as well: `192.0.2.1:4711`,
 * `[2001:db8::5]:4711`.
 */
function plain(address: string): string {
  return address.trim().replace(/^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/, '$1$2').replace(/^::ffff:(?=\d+\.)/i, '')
}

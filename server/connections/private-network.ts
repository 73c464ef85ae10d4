import { BlockList, isIP } from 'node:net'

/** What is not on the public internet (IANA's special-purpose registries), and the address at which Azure serves each of its machines ("What is IP address 168.63.129.16?"). A list matches IPv4 written as IPv6 by its IPv4 ranges; `::ffff:0:0/96` in it would match every IPv4 address. */
const notPublic = new BlockList()
const ranges4 = ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4']
const ranges6 = ['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8']
for (const range of ranges4) addRange(range, 'ipv4')
for (const range of ranges6) addRange(range, 'ipv6')

const LOCAL_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa)$/

/** Whether an address, or a URL's host as it is written, belongs to a private network. What a public name resolves to shows at the call alone. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase()
  const family = isIP(host)
  return family === 0 ? !host.includes('.') || LOCAL_NAME.test(host) : notPublic.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

function addRange(range: string, family: 'ipv4' | 'ipv6'): void {
  const [address = '', prefix] = range.split('/')
  notPublic.addSubnet(address, Number(prefix), family)
}

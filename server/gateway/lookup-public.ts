import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isPrivateHost } from '../connections/private-network'

/** Resolves a name for a connection, and refuses it when any of its addresses is in a private network: a tenant chooses the name, and what it resolves to. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    const isPrivate = addresses?.some(({ address }) => isPrivateHost(address))
    const refusal = error ?? (isPrivate || !first ? Object.assign(new Error(`${hostname} leads into a private network`), { code: 'ENOTFOUND' }) : null)
    if (refusal || !first) return callback(refusal, '', 0)
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

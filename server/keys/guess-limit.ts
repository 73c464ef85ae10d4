import { LRUCache } from 'lru-cache'
import { LoomError } from '../errors'
import { networkOf } from './network-of'

const MINUTE_MS = 60_000
/** How often an address over its limit may still have a key looked up: a good caller behind the same address gets in with its next try. */
const LOOKUP_PAUSE_MS = 1_000
const MAX_ADDRESSES = 20_000
/** How long a key that was good is looked up at once, however many wrong ones its address presents meanwhile. */
const PROVED_FOR_MS = 24 * 60 * MINUTE_MS
const MAX_PROVED_KEYS = 20_000

interface Address { failures: number, endsMs: number, nextLookupMs: number }

/**
 * Bounds the wrong keys an address may present: 238 random bits are not guessed, but each guess costs a look-up and a line
 * of the log. Counts failures alone, in this process. Who has a good key is not to suffer from others behind the same address, so
 * that keys which were good lately are looked up always.
 */
export class GuessLimit {
  private readonly addresses = new LRUCache<string, Address>({ max: MAX_ADDRESSES, ttl: MINUTE_MS })
  private readonly provedKeys = new LRUCache<string, true>({ max: MAX_PROVED_KEYS, ttl: PROVED_FOR_MS })

  constructor(private readonly failuresPerMinute: number) {}

  /**
   * Before a key is looked up.
   * @throws {LoomError} `rate_limit_exceeded` when the address is over its limit and had a look-up within the last second
   */
  admit(ip: string | null, keyHash: string, now = Date.now()): void {
    if (this.provedKeys.has(keyHash)) return
    const address = this.find(ip, now)
    if (!address || address.failures < this.failuresPerMinute) return
    if (now < address.nextLookupMs) throw tooMany(address, now)
    address.nextLookupMs = now + LOOKUP_PAUSE_MS
  }

  /** After a key was found to be good. */
  proved(keyHash: string): void {
    this.provedKeys.set(keyHash, true)
  }

  /**
   * After a key was found to be wrong.
   * @param keyHash undefined for what is no key at all
   * @throws {LoomError} `rate_limit_exceeded` in place of the plain refusal, once the address is over its limit
   */
  failed(ip: string | null, keyHash: string | undefined, now = Date.now()): void {
    if (keyHash !== undefined) this.provedKeys.delete(keyHash)
    if (ip === null) return
    const address = this.find(ip, now) ?? { failures: 0, endsMs: now + MINUTE_MS, nextLookupMs: 0 }
    address.failures++
    this.addresses.set(networkOf(ip), address)
    if (address.failures > this.failuresPerMinute) throw tooMany(address, now)
  }

  private find(ip: string | null, now: number): Address | undefined {
    const address = ip === null ? undefined : this.addresses.get(networkOf(ip))
    return address && now < address.endsMs ? address : undefined
  }
}

function tooMany(address: Address, now: number): LoomError {
  return new LoomError('rate_limit_exceeded', 'Too many wrong API keys came from your address. Check the key; a right one is let in again within a few tries.', {
    retryAfterSeconds: Math.max(1, Math.ceil((Math.min(address.endsMs, Math.max(address.nextLookupMs, now)) - now) / 1000)),
    details: { rule: 'failed_authentications_per_minute' }
  })
}

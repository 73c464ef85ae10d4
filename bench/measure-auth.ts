import { openPostgres } from '../db/open-postgres'
import { Authenticator } from '../server/gateway/authenticate'
import { GuessLimit } from '../server/keys/guess-limit'
import { median } from './statistics'

const CALLS = 20_000

/** What authenticating a key costs that was seen before, in milliseconds (median). In this process: over HTTP it is too little to see. */
export async function measureCachedAuth(databaseUrl: string, apiKey: string): Promise<number> {
  const db = openPostgres({ url: databaseUrl, poolSize: 1, statementTimeoutMs: 10_000 })
  const authenticator = new Authenticator(db, new GuessLimit(CALLS))
  const headers = { authorization: `Bearer ${apiKey}` }
  const took: number[] = []
  for (let call = 0; call < CALLS; call++) {
    const startedAt = performance.now()
    await authenticator.authenticate(headers, () => null)
    took.push(performance.now() - startedAt)
  }
  await db.close()
  return median(took)
}

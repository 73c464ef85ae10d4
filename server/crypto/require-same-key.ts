import { z } from 'zod'
import type { Database } from '../../db/client'
import type { Keyring } from './keyring'

const NAME = 'master_key_mark'

const Row = z.object({ value: z.string() })

/**
 * Keeps a database to the master key it was begun with: what is sealed with one cannot be read with another, and nothing would tell which of two something was
 * sealed with. The first to come writes down what follows from its key, and nothing leads back from.
 * @param acceptNew where the key is lost for good: from now on it is this one
 * @throws {Error} where it is another
 */
export async function requireSameKey(db: Pick<Database, 'query'>, keyring: Pick<Keyring, 'mark' | 'generated'>, acceptNew: boolean): Promise<void> {
  const mark = keyring.mark()
  await db.query(`insert into platform_settings (name, value) values ($1, to_jsonb($2::text)) on conflict (name) ${acceptNew ? 'do update set value = excluded.value, updated_at = now()' : 'do nothing'}`, [NAME, mark])
  const [row] = await db.query('select value from platform_settings where name = $1', [NAME])
  if (Row.parse(row).value === mark) return
  const found = keyring.generated ? 'The master key in the data directory' : 'ENCRYPTION_MASTER_KEY'
  throw new Error(`${found} is not the key that this database was begun with, and what is sealed with that one cannot be read with another. Restore it: as ENCRYPTION_MASTER_KEY, or as the file master-key in LOOM_DATA_DIR. Where it is lost for good, start once with ENCRYPTION_ACCEPT_NEW_KEY=true.`)
}

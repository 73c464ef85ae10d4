import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../db/connect-database'
import { openGateway, upstreamSecret } from '../../support/open-gateway'

test('of a key only its hash and its first characters are stored, a connection\'s secret is sealed, and neither stands in any row or log line', async () => {
  const gateway = await openGateway()
  try {
    const { id, key } = await gateway.createKey()
    const { key: rotated } = await gateway.api('POST', `/api/keys/${id}/rotate`, {})
    const secrets = [key, String(rotated), upstreamSecret]
    expect((await gateway.post(key, JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }))).status).toBe(200)
    await gateway.loom.stop()
    for (const secret of secrets) expect(gateway.loom.logs()).not.toContain(secret)

    const db = await openDatabase({ DATABASE_URL: gateway.loom.env.DATABASE_URL, DATABASE_POOL_SIZE: 2, LOOM_DATA_DIR: String(gateway.loom.env.LOOM_DATA_DIR) })
    try {
      const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')
      const [stored] = await db.query('select key_prefix, key_hash, previous_key_hash from api_keys where id = $1', [id])
      expect(stored).toEqual({ key_prefix: expect.any(String), key_hash: hashOf(String(rotated)), previous_key_hash: hashOf(key) })
      const prefix = String(stored?.key_prefix)
      expect(String(rotated).startsWith(prefix)).toBe(true)
      // What a prefix leaves open is far beyond guessing.
      expect(String(rotated).length - prefix.length).toBeGreaterThan(24)

      const [connection] = await db.query(`select secret, secret_iv, encryption_key_version from provider_connections where name = 'mock'`)
      expect(connection).toEqual({ secret: expect.any(Buffer), secret_iv: expect.any(Buffer), encryption_key_version: expect.any(Number) })

      const tables = await db.query(`select c.oid::regclass::text as name from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`)
      expect(tables.length).toBeGreaterThan(20)
      for (const { name } of tables) {
        const rows = await db.query(`select to_jsonb(t)::text as row from ${String(name)} t`)
        for (const secret of secrets) {
          // Bytes are written in hexadecimal.
          for (const written of [secret, Buffer.from(secret).toString('hex')]) expect(rows.some(({ row }) => String(row).includes(written)), `${String(name)} holds a secret`).toBe(false)
        }
      }
    } finally {
      await db.close()
    }
  } finally {
    await gateway.remove()
  }
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eq, inArray, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../../db/client'
import { orgs, platformSettings } from '../../../db/schema'
import { openTestDatabase, testDatabaseKind } from '../../support/database'

describe('a query', () => {
  let db: Database
  beforeAll(async () => {
    db = await openTestDatabase()
  })
  afterAll(() => db.close())

  test('reads every type the same way', async () => {
    const [row] = await db.query(`select 9007199254740993::int8 as large, count(*) as counted, 7::int4 as int, 1.5::float8 as float, 1.10::numeric as exact,
      '\\x00ff'::bytea as bytes, '{"a":[1,"2"]}'::jsonb as document, '2026-01-31 12:00:00.123456+02'::timestamptz as moment, '2026-01-31'::date as day,
      true as flag, null as nothing, array['a','b'] as words, array[1,2]::int8[] as longs, array[1.5]::float8[] as floats, gen_random_uuid() is not null as made`)
    expect(row).toEqual({
      large: 9007199254740993n, counted: 1n, int: 7, float: 1.5, exact: '1.10', bytes: Buffer.from([0, 255]), document: { a: [1, '2'] },
      moment: '2026-01-31 10:00:00.123456+00', day: '2026-01-31', flag: true, nothing: null, words: ['a', 'b'], longs: [1n, 2n], floats: [1.5], made: true
    })
    expect(Buffer.isBuffer(row?.bytes)).toBe(true)
    expect(new Date(String(row?.moment)).toISOString()).toBe('2026-01-31T10:00:00.123Z')
  })

  test('writes every type the same way', async () => {
    const moment = new Date('2026-01-31T10:00:00.123Z')
    const id = uuidv7()
    const [row] = await db.query(
      `select $1::int8 as large, $2::timestamptz as moment, $3::jsonb as document, $4::bytea as bytes, $5::uuid[] as ids, $6::text as missing, $7::bool as flag,
        $8::float8 as float, $9::int8[] as longs, $10::text[] as words, $11::timestamptz[] = array[$2]::timestamptz[] as moments, $12::int4 as int, $13::bytea[] = array[$4]::bytea[] as blobs, $14::int4[] = array[1, null, 3] as gaps`,
      [2n ** 62n, moment, { a: [1, { b: null }] }, Buffer.from([1, 2]), [id], null, true, 0.1, [1n, 2n], ['a "quoted", \\ word', '{}', '', 'NULL'], [moment], 5, [Buffer.from([1, 2])], [1, null, 3]]
    )
    expect(row).toEqual({
      large: 2n ** 62n, moment: '2026-01-31 10:00:00.123+00', document: { a: [1, { b: null }] }, bytes: Buffer.from([1, 2]), ids: [id], missing: null, flag: true,
      float: 0.1, longs: [1n, 2n], words: ['a "quoted", \\ word', '{}', '', 'NULL'], moments: true, int: 5, blobs: true, gaps: true
    })
  })

  test('takes JSON text for jsonb without encoding it again', async () => {
    const rows = await db.query(`select * from jsonb_to_recordset($1::jsonb) as item(a int, b text)`, [JSON.stringify([{ a: 1, b: 'x' }, { a: 2, b: '"' }])])
    expect(rows).toEqual([{ a: 1, b: 'x' }, { a: 2, b: '"' }])
    const again = await db.query(`select jsonb_typeof($1::jsonb) as kind, jsonb_typeof($2::text::jsonb) as cast_kind`, ['{"a":1}', '{"a":1}'])
    expect(again).toEqual([{ kind: 'object', cast_kind: 'object' }])
  })

  test('refuses an undefined parameter', async () => {
    await expect(db.query('select $1::text', [undefined])).rejects.toThrow(TypeError)
  })

  test.runIf(testDatabaseKind === 'postgres')('of drizzle is prepared, unless its text varies with its values', async () => {
    const ids = Array.from({ length: 60 }, () => uuidv7())
    const prepared = await db.orm.transaction(async (tx) => {
      await tx.select({ one: orgs.id }).from(orgs).where(eq(orgs.id, uuidv7()))
      await tx.transaction(nested => nested.select({ nested: orgs.name }).from(orgs).where(eq(orgs.id, uuidv7())))
      await tx.select({ many: orgs.slug }).from(orgs).where(inArray(orgs.id, ids))
      return tx.execute(sql`select statement from pg_prepared_statements`)
    })
    const statements = JSON.stringify(prepared)
    expect(['id', 'name', 'slug'].map(column => statements.includes(`select \\"${column}\\" from \\"orgs\\"`))).toEqual([true, true, false])
  })

  test('drizzle reads and writes the same values', async () => {
    const id = uuidv7()
    const salt = Buffer.from('0123456789abcdef')
    const [org] = await db.orm.insert(orgs).values({ id, name: 'A', slug: id, encryptionSalt: salt, settings: { text: 'a', list: [1] } }).returning()
    expect(org).toMatchObject({ id, settings: { text: 'a', list: [1] }, deletedAt: null })
    expect(org?.encryptionSalt.equals(salt)).toBe(true)
    expect(org?.createdAt).toBeInstanceOf(Date)
    expect(await db.query('select settings, encryption_salt as salt from orgs where id = $1', [id])).toEqual([{ settings: { text: 'a', list: [1] }, salt }])
    expect(await db.orm.$count(orgs, eq(orgs.id, id))).toBe(1)
    const [counted] = await db.orm.select({ count: sql`count(*)`.mapWith(Number) }).from(orgs).where(eq(orgs.id, id))
    expect(counted).toEqual({ count: 1 })
  })

  test('an error tells its code and constraint', async () => {
    const insert = () => db.query(`insert into platform_settings (name, value) values ('twice', '1')`)
    await insert()
    await expect(insert()).rejects.toMatchObject({ code: '23505', constraint_name: 'platform_settings_pkey', table_name: 'platform_settings' })
  })

  test('a transaction that throws leaves nothing, one that returns keeps everything', async () => {
    const write = (query: Database['query'], name: string) => query('insert into platform_settings (name, value) values ($1, $2::jsonb)', [name, 'true'])
    await expect(db.transaction(async (query) => {
      await write(query, 'lost')
      throw new Error('on purpose')
    })).rejects.toThrow('on purpose')
    expect(await db.transaction(async (query) => {
      await write(query, 'kept')
      return 'done'
    })).toBe('done')
    await expect(db.orm.transaction(async (transaction) => {
      await transaction.insert(platformSettings).values({ name: 'lost too', value: 1 })
      throw new Error('on purpose')
    })).rejects.toThrow('on purpose')
    await db.orm.transaction(async (transaction) => {
      await transaction.insert(platformSettings).values({ name: 'kept too', value: 1 })
      await expect(transaction.transaction(async (nested) => {
        await nested.insert(platformSettings).values({ name: 'lost inside', value: 1 })
        throw new Error('inside')
      })).rejects.toThrow('inside')
    })
    const names = await db.query(`select name from platform_settings where name similar to '(lost|kept)%' order by name`)
    expect(names.map(row => row.name)).toEqual(['kept', 'kept too'])
  })

  test('a transaction whose failed statement was caught does not pretend to have committed', async () => {
    await expect(db.transaction(async (query) => {
      await query(`insert into platform_settings (name, value) values ('half', '1')`)
      await expect(query('select 1 / 0')).rejects.toThrow('division by zero')
    })).rejects.toThrow()
    expect(await db.query(`select 1 from platform_settings where name = 'half'`)).toEqual([])
  })

  test('transactions begun together do not see each other half done', async () => {
    await db.query(`insert into platform_settings (name, value) values ('counter', '0')`)
    await Promise.all(Array.from({ length: 20 }, () => db.transaction(async (query) => {
      const [row] = await query(`select value from platform_settings where name = 'counter' for update`)
      await query(`update platform_settings set value = $1::jsonb where name = 'counter'`, [String(Number(row?.value) + 1)])
    })))
    expect(await db.query(`select value from platform_settings where name = 'counter'`)).toEqual([{ value: 20 }])
  })

  test('a notification reaches every listener of its channel, once its transaction commits', async () => {
    const received: string[] = []
    const arrived = new Promise<void>((resolve) => {
      void db.listen('loom "test"', payload => received.push(`first ${payload}`))
      void db.listen('loom "test"', (payload) => {
        received.push(`second ${payload}`)
        if (payload === 'end') resolve()
      }).then(async () => {
        await db.notify('other', 'no')
        await expect(db.transaction(async (query) => {
          await query(`select pg_notify('loom "test"', 'rolled back')`)
          throw new Error('on purpose')
        })).rejects.toThrow()
        await db.notify('loom "test"', 'it\'s')
        await db.notify('loom "test"', 'end')
      })
    })
    await arrived
    expect(received.filter(text => text.startsWith('second'))).toEqual(['second it\'s', 'second end'])
    expect(received.filter(text => text.startsWith('first'))).toEqual(['first it\'s', 'first end'])
  })
})

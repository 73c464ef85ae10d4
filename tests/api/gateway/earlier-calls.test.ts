import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { openKeyring } from '../../../server/crypto/keyring'
import { LoomError } from '../../../server/errors'
import { EarlierCalls } from '../../../server/gateway/earlier-calls'
import { openTestDatabase } from '../../support/database'

const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: randomBytes(32).toString('hex'), LOOM_DATA_DIR: '' })
const refusal = new LoomError('rate_limit_exceeded', 'None is left.')

let db: Database
beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(() => db.close())

const calls = (admit: () => Promise<void>, signal?: AbortSignal) => new EarlierCalls(db, keyring, { orgId: uuidv7(), projectId: null }, { maxBytes: 1_000, areKept: true, admit, signal })

test('earlier calls are looked for once the call itself may be made', async () => {
  let asked = 0
  const admitted = calls(() => Promise.resolve(void asked++))
  for (let turn = 0; turn < 3; turn++) expect(await admitted.find([uuidv7()])).toEqual(new Map())
  expect(asked).toBe(1)
  const refused = calls(() => Promise.reject(refusal))
  for (let turn = 0; turn < 2; turn++) await expect(refused.find([uuidv7()])).rejects.toBe(refusal)
})

test('and as long as somebody waits for it', async () => {
  const abort = new AbortController()
  const left = calls(() => Promise.resolve(), abort.signal)
  await left.find([uuidv7()])
  const gone = new LoomError('caller_gone', 'The caller has left.')
  abort.abort(gone)
  await expect(left.find([uuidv7()])).rejects.toBe(gone)
})

test('a fault of ours is not told as a database that cannot be reached', async () => {
  await db.query('alter table traces rename column response_iv to elsewhere')
  const failure: unknown = await calls(() => Promise.resolve()).find([uuidv7()]).catch((cause: unknown) => cause)
  expect(failure).toBeInstanceOf(Error)
  expect(failure).not.toBeInstanceOf(LoomError)
})

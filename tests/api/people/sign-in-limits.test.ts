import { expect, test } from 'vitest'
import { beginSignIn } from '../../../server/identity/sign-in-limits'
import { openTestDatabase } from '../../support/database'

test('the addresses of one IPv6 network have one limit, however many accounts they try', async () => {
  const db = await openTestDatabase()
  try {
    const attempt = (ip: string, account: number) => beginSignIn(db.orm, `somebody-${account}@example.com`, ip)
    for (let account = 0; account < 50; account++) await attempt(`2001:db8:0:1::${account.toString(16)}`, account)
    await expect(attempt('2001:db8:0:1:ffff::1', 50)).rejects.toMatchObject({ code: 'rate_limit_exceeded' })
    await expect(attempt('2001:db8:0:2::1', 51)).resolves.toBeUndefined()
  } finally {
    await db.close()
  }
})

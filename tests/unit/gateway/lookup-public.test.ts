import { expect, test } from 'vitest'
import { isPrivateHost } from '../../../server/connections/private-network'
import { lookupPublic } from '../../../server/gateway/lookup-public'

test('a name that resolves into a private network is refused at the call, however it is written', async () => {
  for (const all of [true, false]) {
    const error = await new Promise(resolve => lookupPublic('localhost', { all }, resolve))
    expect(error).toMatchObject({ message: expect.stringContaining('private network') })
  }
})

test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '168.63.129.16', '::ffff:168.63.129.16', '[::1]', '::ffff:10.0.0.1', 'fd00::1', 'ollama', 'db.internal', 'LOCALHOST.'])('%s is private', host => expect(isPrivateHost(host)).toBe(true))
test.each(['8.8.8.8', '168.63.129.17', '::ffff:8.8.8.8', '2606:4700::1111', 'api.openai.com'])('%s is not', host => expect(isPrivateHost(host)).toBe(false))

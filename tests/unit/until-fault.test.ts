import { expect, test } from 'vitest'
import { ImportConversation } from '../../shared/conversation-export'
import { untilFault } from '../../shared/until-fault'
import { z } from '../../shared/zod'

const Names = z.array(z.unknown()).transform(untilFault(z.object({ name: z.string() })))

test('a list that fits is read', () => {
  expect(Names.parse([{ name: 'a', more: 1 }, { name: 'b' }])).toEqual([{ name: 'a' }, { name: 'b' }])
})

test('a list is read up to its first fault, which is told by its place', () => {
  const { error } = Names.safeParse([{ name: 'a' }, { name: 1 }, ...Array.from({ length: 10_000 }, () => 1)])
  expect(error?.issues).toMatchObject([{ path: [1, 'name'], message: 'must be text' }])
})

test('an import of nothing that fits is refused for what is wrong with its first message', () => {
  const messages = Array.from({ length: 200 }, () => ({ parts: Array.from({ length: 1_000 }, () => 1) }))
  const issues = ImportConversation.safeParse({ format: 'loom.conversation', version: 2, messages }).error?.issues ?? []
  expect(issues.length).toBeGreaterThan(1_000)
  expect(issues.length).toBeLessThan(1_100)
})

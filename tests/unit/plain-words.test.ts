import { expect, test } from 'vitest'
import { z } from '../../shared/zod'

const said = (schema: z.ZodType, value?: unknown) => schema.safeParse(value).error?.issues[0]?.message

test.each<[string, z.ZodType, unknown]>([
  ['must not be empty', z.string().min(1), ''],
  ['must have at least 10 characters', z.string().min(10), 'short'],
  ['must have at most 1 character', z.string().max(1), 'ab'],
  ['must have exactly 6 characters', z.string().length(6), '12345'],
  ['must not be empty', z.array(z.string()).min(1), []],
  ['must have at most 20 entries', z.array(z.number()).max(20), Array.from({ length: 21 }, () => 0)],
  ['must be at most 1,000', z.number().max(1_000), 1_001],
  ['must be more than 0', z.number().positive(), 0],
  ['is missing', z.string(), undefined],
  ['must be a number', z.number(), 'many'],
  ['must be one of ordered, weighted', z.enum(['ordered', 'weighted']), 'random'],
  ['must be an email address', z.email(), 'nobody'],
  ['must be an id', z.uuid(), 'me'],
  ['is not understood', z.union([z.literal('error'), z.number()]), 'x']
])('a contract says "%s"', (words, schema, value) => {
  expect(said(schema, value)).toBe(words)
})

test('what a contract says itself wins', () => {
  expect(said(z.string().regex(/^x/, 'must begin with x'), 'y')).toBe('must begin with x')
})

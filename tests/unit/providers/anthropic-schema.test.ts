import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { toMessagesBody } from '../../../server/gateway/providers/anthropic-request'
import { toHeldSchema } from '../../../server/gateway/providers/anthropic-schema'

test('the schema of a chat reaches Claude as Claude can be held to it', () => {
  const schema = z.toJSONSchema(z.object({ age: z.int().min(0).max(150).describe('In years.'), tags: z.array(z.string().min(1)).min(2) }))
  const { output_config: config } = toMessagesBody({ body: { messages: [{ role: 'user', content: 'Hi' }], response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }, upstreamModel: 'claude-sonnet-4-5', stream: false })
  expect(config).toEqual({ format: { type: 'json_schema', schema: {
    type: 'object',
    properties: {
      age: { type: 'integer', description: 'In years.\n\n{"minimum":0,"maximum":150}' },
      tags: { type: 'array', items: { type: 'string', description: '{"minLength":1}' }, description: '{"minItems":2}' }
    },
    required: ['age', 'tags'],
    additionalProperties: false
  } } })
})

/** Ours writes what is lost as JSON, its own as JavaScript does. */
function withoutDescriptions(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => key === 'description' ? undefined : value))
}

test.each<[string, Record<string, unknown>]>([
  ['limits', z.toJSONSchema(z.object({ a: z.number().positive().multipleOf(2), b: z.string().max(5).regex(/x/), c: z.array(z.int()).max(3) }))],
  ['optional fields', z.toJSONSchema(z.object({ a: z.string().optional(), b: z.string().default('x') }))],
  ['open objects', z.toJSONSchema(z.looseObject({ a: z.looseObject({ b: z.string() }) }))],
  ['formats', z.toJSONSchema(z.object({ a: z.email(), b: z.iso.datetime(), c: z.base64() }))],
  ['alternatives', z.toJSONSchema(z.discriminatedUnion('type', [z.object({ type: z.literal('a'), n: z.int().min(1) }), z.object({ type: z.literal('b') })]))],
  ['null', z.toJSONSchema(z.object({ a: z.string().min(1).nullable(), b: z.enum(['x', 'y']).nullable() }))],
  ['definitions', { $ref: '#/$defs/node', $defs: { node: { type: 'object', properties: { n: { type: 'number', minimum: 1 } } } } }],
  ['a list of schemas for all', { allOf: [{ type: 'object', properties: { a: { type: 'string' } } }] }],
  ['an enum of objects', { type: 'object', properties: { a: { type: 'object', enum: [{ b: 1 }] } } }]
])('%s become what they become in Anthropic\'s own SDK', (_, schema) => {
  expect(withoutDescriptions(toHeldSchema(schema))).toEqual(withoutDescriptions(transformJSONSchema(schema)))
})

test('older definitions and lists of types are read, too', () => {
  const open = { type: ['object', 'null'], properties: { n: { type: ['integer', 'null'], minimum: 1 } } }
  const held = { type: ['object', 'null'], properties: { n: { type: ['integer', 'null'], description: '{"minimum":1}' } }, additionalProperties: false }
  expect(toHeldSchema({ type: 'object', properties: { a: { $ref: '#/definitions/a' } }, definitions: { a: open } })).toEqual({
    type: 'object', properties: { a: { $ref: '#/definitions/a' } }, definitions: { a: held }, additionalProperties: false
  })
})

test.each<unknown>([
  {}, true, { description: 'Anything' }, { properties: { a: { type: 'string' } } },
  { type: 'object', properties: {}, additionalProperties: { type: 'number', minimum: 1 } }, { type: 'object', properties: {}, additionalProperties: true }
])('what would come out as another schema stays for Anthropic to refuse: %j', (schema) => {
  expect(toHeldSchema(schema)).toEqual(schema)
})

test('a schema of any size is read in a moment, and one of any depth', () => {
  const names = Array.from({ length: 200_000 }, (_, index) => `a name of some length ${index}`)
  const large = { type: 'object', properties: Object.fromEntries(names.map(name => [name, { type: 'string', minLength: 1 }])), required: names }
  expect(toHeldSchema(large)).toHaveProperty('additionalProperties', false)
  let deep: object = { type: 'string' }
  for (let depth = 0; depth < 5_000; depth++) deep = { type: 'array', items: deep }
  expect(toHeldSchema(deep)).toMatchObject({ type: 'array' })
}, 10_000)

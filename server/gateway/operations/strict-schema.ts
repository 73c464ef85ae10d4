import { z } from 'zod'

const Schemas = z.record(z.string(), z.unknown())
const Schema = z.looseObject({
  type: z.unknown().optional(),
  properties: Schemas.optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  $defs: Schemas.optional(),
  definitions: Schemas.optional()
})

/** One of these every schema has; the empty one, which takes anything, is refused. */
const KINDS = ['type', 'anyOf', '$ref', 'enum', 'const']
const REFUSED = ['allOf', 'oneOf', 'not', 'if', 'patternProperties', 'prefixItems', 'dependentRequired', 'dependentSchemas']
const MAX_DEPTH = 10

/**
 * Whether OpenAI's strict mode takes a JSON schema: each of its objects requires all its properties, and has no others.
 * Source: OpenAI's guide to structured outputs, "Supported schemas".
 */
export function fitsStrictMode(schema: unknown): boolean {
  const root = Schema.safeParse(schema).data
  return root?.type === 'object' && fits(root, MAX_DEPTH)
}

function fits(value: unknown, depth: number): boolean {
  const schema = Schema.safeParse(value).data
  if (!schema || depth === 0 || !KINDS.some(kind => kind in schema) || REFUSED.some(keyword => keyword in schema)) return false
  const { type, properties = {}, required = [], additionalProperties, items, anyOf = [], $defs = {}, definitions = {} } = schema
  const needed = new Set(required)
  const isClosed = additionalProperties === false && Object.keys(properties).every(name => needed.has(name))
  if ([type].flat().includes('object') && !isClosed) return false
  const inner = [...Object.values(properties), ...anyOf, ...Object.values($defs), ...Object.values(definitions), ...(items === undefined ? [] : [items])]
  return inner.every(each => fits(each, depth - 1))
}

import { encodeBody } from './encode-body'

const FORMATS: readonly unknown[] = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']
/** Deeper than any schema is written: what lies beyond it stays as it is. */
const MAX_DEPTH = 100

/**
 * A JSON schema as Anthropic can hold a model to it: objects are closed, and the constraints that it refuses are told to the model in the
 * description. As `transformJSONSchema` of @anthropic-ai/sdk 1.11, but that it reads older `definitions` and lists of types (`["string", "null"]`),
 * too, and leaves to Anthropic to refuse what would come out as another schema: one without a type, and a dictionary, which closed is always empty.
 */
export function toHeldSchema(schema: unknown, depth = MAX_DEPTH): unknown {
  if (depth === 0 || !isObject(schema)) return schema
  const inner = (each: unknown) => toHeldSchema(each, depth - 1)
  const innerFields = (fields: unknown) => isObject(fields) ? Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, inner(each)])) : fields
  const lost = new Map(Object.entries(schema))
  const held: Record<string, unknown> = {}
  const keep = (name: string, value: unknown = lost.get(name)) => {
    if (lost.delete(name)) held[name] = value
  }

  keep('$defs', innerFields(schema.$defs))
  keep('definitions', innerFields(schema.definitions))
  if ('$ref' in schema) return { ...held, $ref: schema.$ref }

  const alternatives = ['anyOf', 'oneOf', 'allOf'].find(name => Array.isArray(schema[name]))
  if (isListOfLiterals(schema.enum)) keep('enum')
  if (isLiteral(schema.const)) keep('const')
  const isLiteralOnly = 'enum' in held || 'const' in held
  if (!alternatives && !isLiteralOnly && !('type' in schema)) return schema
  const types: unknown[] = isLiteralOnly ? [] : [schema.type].flat()
  // The dialect constrains nothing, and the type no more than what follows.
  lost.delete('$schema')
  if (alternatives || isLiteralOnly) lost.delete('type')
  else keep('type')
  if (alternatives) {
    lost.delete(alternatives)
    held[alternatives === 'oneOf' ? 'anyOf' : alternatives] = [schema[alternatives]].flat().map(inner)
  }
  keep('description')
  keep('title')

  if (types.includes('object')) {
    const names = isObject(schema.properties) ? Object.keys(schema.properties) : []
    held.properties = innerFields(schema.properties ?? {})
    held.additionalProperties = names.length === 0 && schema.additionalProperties ? schema.additionalProperties : false
    for (const name of ['properties', 'additionalProperties']) lost.delete(name)
    keep('required')
  }
  if (types.includes('string') && FORMATS.includes(schema.format)) keep('format')
  if (types.includes('array')) {
    keep('items', inner(schema.items))
    if (schema.minItems === 0 || schema.minItems === 1) keep('minItems')
  }
  if (lost.size === 0) return held
  const told = encodeBody(Object.fromEntries(lost))
  return { ...held, description: typeof held.description === 'string' ? `${held.description}\n\n${told}` : told }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isLiteral(value: unknown): boolean {
  return value !== undefined && (value === null || typeof value !== 'object')
}

function isListOfLiterals(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isLiteral)
}

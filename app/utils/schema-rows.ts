import type { JsonSchema } from '#shared/api-reference'

/** One field of a body, in a list that reads from top to bottom. */
export interface SchemaRow {
  /** `choices[].message.content` */
  path: string
  type: string
  required: boolean
  description: string | undefined
}

/** Deeper fields are the provider's affair, and the list would hide what matters. */
const MAX_DEPTH = 4

/** A schema's fields, nested ones below their parents. */
export function schemaRows(schema: JsonSchema, prefix = '', depth = 0): SchemaRow[] {
  const { properties = {}, required = [] } = elementOf(schema).element
  return Object.entries(properties).flatMap(([name, field]) => {
    const { element, suffix } = elementOf(field)
    const path = `${prefix}${name}`
    const row = { path, type: typeOf(field), required: required.includes(name), description: field.description ?? element.description }
    return depth < MAX_DEPTH ? [row, ...schemaRows(element, `${path}${suffix}.`, depth + 1)] : [row]
  })
}

/** What a list or a nullable is made of. */
function elementOf(schema: JsonSchema): { element: JsonSchema, suffix: string } {
  if (schema.items) {
    const { element, suffix } = elementOf(schema.items)
    return { element, suffix: `[]${suffix}` }
  }
  const structured = schema.anyOf?.find(({ properties, items }) => properties ?? items)
  return structured ? elementOf(structured) : { element: schema, suffix: '' }
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' | ')
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' | ')
  if (schema.items) return `${typeOf(schema.items)}[]`
  return Array.isArray(schema.type) ? schema.type.join(' | ') : schema.type ?? 'any'
}

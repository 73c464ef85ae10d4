export type Parameter = null | boolean | number | string | Uint8Array

/**
 * Parameters as both drivers understand them; `Query` in client.ts states the rules.
 * @throws {TypeError} on undefined, which is a bug in the caller and never NULL
 */
export function toParameters(values: readonly unknown[]): Parameter[] {
  return values.map(toParameter)
}

function toParameter(value: unknown): Parameter {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return toArrayLiteral(value)
  if (typeof value === 'object') return JSON.stringify(value)
  throw new TypeError(`A query parameter is ${typeof value}; pass null for NULL`)
}

/** PostgreSQL's own notation, since the drivers disagree on arrays of times and bytes: `{"a","b \"quoted\"",NULL}`. */
function toArrayLiteral(values: readonly unknown[]): string {
  return `{${values.map(toArrayElement).join(',')}}`
}

function toArrayElement(value: unknown): string {
  if (value === null) return 'NULL'
  if (Array.isArray(value)) return toArrayLiteral(value)
  const parameter = toParameter(value)
  const text = parameter instanceof Uint8Array ? `\\x${Buffer.from(parameter).toString('hex')}` : String(parameter)
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

interface FieldChange { field: string, before: string | undefined, after: string | undefined }

/** What differs between two states of a thing, field by field; a thing that came or went shows all it had. */
export function describeChanges(before: unknown, after: unknown): FieldChange[] {
  const [old, young] = [fieldsOf(before), fieldsOf(after)]
  const fields = [...new Set([...Object.keys(old), ...Object.keys(young)])]
  return fields
    .map(field => ({ field, before: show(old[field]), after: show(young[field]) }))
    .filter(change => change.before !== change.after)
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined) return {}
  return typeof value === 'object' && !Array.isArray(value) ? { ...value } : { value }
}

function show(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

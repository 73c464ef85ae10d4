/** A vector as the caller asked for it: numbers, or little-endian 32-bit floats in base64. */
export function encodeEmbedding(values: readonly number[], isBase64: boolean): readonly number[] | string {
  if (!isBase64) return values
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}

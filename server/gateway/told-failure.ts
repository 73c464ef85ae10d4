import { z } from 'zod'
import { fieldOf } from './operations/field-of'
import { ToldFailure } from './providers/upstream-failure'

const Words = z.union([z.string().min(1), z.looseObject({ message: z.string() }).transform(({ message }) => message)])

/**
 * What an answer under a 200, or an event of one, says of its failure: in a field `error`, or flat, as older vLLM does. Undefined for any other.
 * Looks before it parses: a schema that fails costs more than one that fits.
 */
export function readToldFailure(json: unknown): ToldFailure | undefined {
  const told = fieldOf(json, 'error') ?? (fieldOf(json, 'object') === 'error' ? json : undefined)
  if (told === undefined) return undefined
  const words = Words.safeParse(told).data
  return words === undefined ? undefined : new ToldFailure(words)
}

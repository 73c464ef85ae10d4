import { z } from 'zod'
import { LoomError } from '../errors'
import { isFailure } from './finish-reason'
import { fieldOf } from './field-of'
import { ToldFailure } from './providers/upstream-failure'

const Words = z.union([z.string().min(1), z.looseObject({ message: z.string().min(1) }).transform(({ message }) => message)])

/**
 * What an answer under a 200, or an event of one, says of its failure: in a field `error`, flat as older vLLM does, or in one of its choices, as
 * OpenRouter does. Undefined for any other. Looks before it parses: a schema that fails costs more than one that fits.
 */
export function readToldFailure(json: unknown): LoomError | undefined {
  // As Google's endpoint in OpenAI's format puts it.
  if (Array.isArray(json)) return readToldFailure(json.at(0))
  const told = fieldOf(json, 'error') ?? (fieldOf(json, 'object') === 'error' ? json : undefined)
  return failureOf(told) ?? failureOfChoice(fieldOf(json, 'choices'))
}

function failureOfChoice(choices: unknown): LoomError | undefined {
  if (!Array.isArray(choices)) return undefined
  for (const choice of choices) {
    const failure = failureOf(fieldOf(choice, 'error'))
    if (failure) return failure
    if (isFailure(fieldOf(choice, 'finish_reason'))) return new LoomError('upstream_error', 'The provider says that it failed in the middle of its answer, and not why.')
  }
  return undefined
}

function failureOf(told: unknown): ToldFailure | undefined {
  if (told === undefined || told === null) return undefined
  const words = Words.safeParse(told).data
  return words === undefined ? undefined : new ToldFailure(words, { told, code: fieldOf(told, 'code') })
}

/**
 * A whole answer, as JSON.
 * @throws {LoomError} `upstream_error` for a failure told in it
 * @throws {SyntaxError} for what is no JSON
 */
export function parseAnswer(text: string): unknown {
  const json: unknown = JSON.parse(text)
  const failure = readToldFailure(json)
  if (failure) throw failure
  return json
}

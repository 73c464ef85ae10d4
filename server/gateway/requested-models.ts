import { z } from 'zod'
import { LoomError } from '../errors'
import { ModelName } from './operations/model-name'

const MAX_MODELS = 10

/** Names of models, in the order they are tried. */
export const ModelNames = z.array(ModelName).min(1).max(MAX_MODELS)

const Alternatives = z.looseObject({ model: z.unknown().optional(), models: ModelNames })

/**
 * Takes a request's `models` apart from its body: names tried in order, after `model` where that is given too, as on OpenRouter. In the
 * body `model` is then the first of them, and `models` is gone, for no provider knows it. A body without it comes back as it is.
 * @throws {LoomError} `invalid_request` when it is no list of one to ten names
 */
export function splitAlternatives(json: unknown): { body: unknown, alternatives: readonly string[] | undefined } {
  if (typeof json !== 'object' || json === null || !('models' in json)) return { body: json, alternatives: undefined }
  const parsed = Alternatives.safeParse(json)
  if (!parsed.success) throw new LoomError('invalid_request', `"models" must be a list of 1 to ${MAX_MODELS} names of models.`, { param: 'models' })
  const { models, model = models[0], ...rest } = parsed.data
  return { body: { ...rest, model }, alternatives: [...new Set(models)].filter(name => name !== model) }
}

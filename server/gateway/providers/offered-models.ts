import { z } from 'zod'
import { ModelName } from '../operations/model-name'

const MAX_MODELS = 1_000

/** What a connection may be called for beside the catalogue's own list (fine-tunes, new models). */
export const OfferedModels = z.array(ModelName).max(MAX_MODELS)

/** Deployment name → the model it serves, which decides its price. */
export const Deployments = z.record(ModelName, ModelName).refine(deployments => Object.keys(deployments).length <= MAX_MODELS, `must have at most ${MAX_MODELS.toLocaleString('en')} entries`)

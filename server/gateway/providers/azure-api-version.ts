import { z } from 'zod'

/** Of Azure OpenAI. A dated version calls `/openai/deployments/{deployment}/…`; `v1` calls Azure's `/openai/v1/…`. */
export const AzureApiVersion = z.string().regex(/^(v1|\d{4}-\d{2}-\d{2}(-preview)?)$/, 'must be v1 or a date like 2024-10-21')

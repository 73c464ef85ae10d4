import { z } from 'zod'

/** What a caller may name in `model`. Control characters name no model, and PostgreSQL stores no NUL. */
export const ModelName = z.string().min(1).max(256).regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must not contain control characters')

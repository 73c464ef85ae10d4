import { z } from './zod'

/** JSON Schema, as far as the reference page shows it. */
export const JsonSchema = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), JsonSchema).optional()
  },
  get items() {
    return JsonSchema.optional()
  },
  get anyOf() {
    return z.array(JsonSchema).optional()
  }
})
export type JsonSchema = z.infer<typeof JsonSchema>

const Content = z.record(z.string(), z.object({ schema: JsonSchema }))

const Operation = z.object({
  'operationId': z.string(),
  'tags': z.array(z.string()),
  'summary': z.string(),
  'description': z.string().optional(),
  'x-loom-scopes': z.array(z.string()),
  'parameters': z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean(), description: z.string().optional(), schema: JsonSchema })),
  'requestBody': z.object({ content: Content }).optional(),
  'responses': z.record(z.string(), z.union([z.object({ $ref: z.string() }), z.object({ content: Content })]))
})
export type ReferenceOperation = z.infer<typeof Operation>

/** `GET /v1/openapi.json`, as far as the reference page shows it. */
export const ApiReference = z.object({
  info: z.object({ version: z.string(), description: z.string() }),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ headers: z.record(z.string(), z.object({ description: z.string() })), responses: z.record(z.string(), z.object({ description: z.string() })) })
})
export type ApiReference = z.infer<typeof ApiReference>

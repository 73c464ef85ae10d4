import type { z } from 'zod'
import type { KeyScope } from '../../shared/keys'

/** What the API reference tells of one route. */
export interface RouteReference {
  method: 'get' | 'post' | 'delete'
  /** As OpenAPI writes it: `/v1/models/{id}`. */
  path: string
  summary: string
  description?: string | undefined
  tag: 'Models' | 'Records'
  /** Of which a key needs one; none: the route is public. */
  scopes: readonly KeyScope[]
  pathParameters?: Record<string, string>
  query?: z.ZodType
  /** By content type. */
  body?: Record<string, z.ZodType>
  /** Beside those of the road: as OpenAPI describes parameters. */
  headers?: readonly Record<string, unknown>[]
  /** The good answer, by content type. */
  answers: Record<string, z.ZodType>
  /** The road's headers and errors, not those of a plain look-up. */
  callsModel: boolean
  errors: 'openai' | 'anthropic'
}

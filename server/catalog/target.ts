import type { RouteStrategy } from '../../shared/model-routes'
import type { Price } from '../billing/price'
import type { Connection, Provider } from '../gateway/providers/provider'

/** One way to answer a call: everything the route and call steps need, nothing left to look up. */
export interface Target {
  /** The name that led here: a route's, `connection/model`, or the model's alone. */
  requestedModel: string
  connection: Connection
  provider: Provider
  /** What the provider calls the model. */
  upstreamModel: string
  /** The model itself, where that is another name for it: an Azure deployment, a name in full. */
  servedModel: string
  /** Undefined: unknown. Never zero by omission. */
  price: Price | undefined
  /** Tokens of prompt and answer together, if known. */
  contextWindow?: number
  /** The most tokens the model can write, if known. */
  maxOutputTokens?: number
  /** The most it writes when the caller sets no limit, where that is less. */
  defaultOutputTokens?: number
  /** Tried in ascending order. */
  priority: number
  /** How its route chooses among targets of the same priority. */
  strategy: RouteStrategy
  /** The share among targets of equal priority, where the strategy is `weighted`. */
  weight: number
  /** Until its answer begins (a stream) or is whole, ms; null: as long as any call may wait. */
  timeoutMs: number | null
  /** Further attempts on it; null: as configured for all. */
  retries: number | null
}

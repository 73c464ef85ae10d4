import type { Runtime } from '../runtime'

/** Tells operators of a failure that the caller is not shown: the log says what and where, the metric how often. */
export function reportFailure({ log, metrics }: Pick<Runtime, 'log' | 'metrics'>, what: string, error: unknown, context: Record<string, unknown>): void {
  metrics.failures.inc({ what })
  log.error({ ...context, err: error }, what)
}

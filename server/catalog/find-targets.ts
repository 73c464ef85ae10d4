import { declaresModel } from './connection-models'
import type { ConnectionRow, Snapshot, TargetRow } from './load-snapshot'

/**
 * Where a model's name leads, the first of these that knows it: the org's own route, the platform's route,
 * `<connection name>/<upstream model>`, a connection that offers the bare name. The org's own connections come before
 * the platform's. Empty when nothing knows it.
 */
export function findTargets(snapshot: Snapshot, model: string): TargetRow[] {
  const route = snapshot.routes.get(model)
  if (route) return route.targets
  const explicit = findExplicit(snapshot.connections, model)
  if (explicit) return [explicit]
  const connection = snapshot.connections.find(candidate => declaresModel(candidate, model))
  return connection ? [only(connection, model)] : []
}

function findExplicit(connections: ConnectionRow[], model: string): TargetRow | undefined {
  const connection = connections.find(({ name }) => model.length > name.length + 1 && model.startsWith(`${name}/`))
  return connection && only(connection, model.slice(connection.name.length + 1))
}

function only(connection: ConnectionRow, upstreamModel: string): TargetRow {
  return { connection, upstreamModel, strategy: 'ordered', priority: 0, weight: 1, timeoutMs: null, retries: null }
}

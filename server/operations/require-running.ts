import { LoomError } from '../errors'
import type { Runtime } from '../runtime'

/**
 * To be asked before a call begins: those that run have their time to finish, which a new one would not.
 * @throws {LoomError} `service_unavailable` once the process got its stop signal
 */
export function requireRunning({ stopping }: Pick<Runtime, 'stopping'>): void {
  if (stopping) throw new LoomError('service_unavailable', 'Loom is stopping. Try again in a moment.', { retryAfterSeconds: 5 })
}

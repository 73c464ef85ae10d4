import type { GatewayUnderTest } from './open-gateway'

/** A call's trace as `/v1/traces/{id}` tells it, its bodies included. */
export async function readTrace(gateway: GatewayUnderTest, key: string, id: string | null): Promise<Record<string, unknown>> {
  const response = await fetch(`${gateway.loom.url}/v1/traces/${id}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
  if (!response.ok) throw new Error(`the trace ${id} answered ${response.status}: ${await response.text()}`)
  return await response.json()
}

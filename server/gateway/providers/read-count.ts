import type { z } from 'zod'
import type { UpstreamResponse } from './provider'
import { readText } from './read-text'

const MAX_COUNT_BYTES = 64 * 1024

/** What a provider answers that was asked to count a prompt; undefined where it refuses. */
export async function readCount<Count>({ status, body }: UpstreamResponse, Count: z.ZodType<Count>): Promise<Count | undefined> {
  const text = await readText(body, MAX_COUNT_BYTES)
  return status >= 400 ? undefined : Count.parse(JSON.parse(text))
}

/** Of a call's body, the fields that make up its prompt: a count takes no others. */
export function pick(body: Readonly<Record<string, unknown>>, fields: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => fields.has(name)))
}

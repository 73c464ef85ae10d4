import type { z } from 'zod'
import { LoomError } from '../../errors'
import type { ProviderRequest } from './provider'

/** @throws {LoomError} `invalid_request` naming the field that the demo model cannot take */
export function readDemoRequest<Value>(schema: z.ZodType<Value>, body: ProviderRequest['body']): Value {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') ?? 'body'
  throw new LoomError('invalid_request', `${param}: ${issue?.message}.`, { param, cause: parsed.error })
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

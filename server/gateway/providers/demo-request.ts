import type { z } from 'zod'
import { LoomError } from '../../errors'
import { FormParser, SPEAKER_REFERENCES } from '../form-parser'
import type { ProviderRequest } from './provider'

/** @throws {LoomError} `invalid_request` naming the field that the demo model cannot take */
export function readDemoRequest<Value>(schema: z.ZodType<Value>, body: ProviderRequest['body']): Value {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') ?? 'body'
  throw new LoomError('invalid_request', `${param}: ${issue?.message}.`, { param, cause: parsed.error })
}

/** The form of an operation that takes files, to its end. How long its fields may be was seen to on its way here. */
export async function readDemoForm(form: ProviderRequest['form'], signal: AbortSignal): Promise<FormParser> {
  if (!form) throw new Error('A call without its form')
  const parser = new FormParser(form.contentType, SPEAKER_REFERENCES)
  for await (const piece of form.read()) {
    signal.throwIfAborted()
    parser.push(piece)
  }
  return parser
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

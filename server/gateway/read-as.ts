import type { z } from 'zod'
import { LoomError } from '../errors'

/**
 * A value of a request as `schema` reads it.
 * @throws {LoomError} `invalid_request` naming the field at fault
 */
export function readAs<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = faultIn(parsed.error)
  const param = path.join('.')
  throw new LoomError('invalid_request', `${param}: ${message}`, { param, cause: parsed.error })
}

interface Fault { path: PropertyKey[], message: string }

/** The first thing that is wrong with a value, and where in it. */
export function faultIn(error: z.ZodError): Fault {
  return error.issues.slice(0, 1).map(deepest)[0] ?? { path: ['body'], message: 'cannot be read' }
}

/** What is wrong within a union: the branch that understood most of the value tells it best. */
function deepest(issue: z.core.$ZodIssue): Fault {
  const inner = issue.code === 'invalid_union' ? issue.errors.flatMap(branch => branch.slice(0, 1).map(deepest)) : []
  const best = inner.reduce<Fault | undefined>((most, fault) => most && most.path.length >= fault.path.length ? most : fault, undefined)
  return best && best.path.length > 0 ? { path: [...issue.path, ...best.path], message: best.message } : issue
}

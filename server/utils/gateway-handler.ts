import type { EventHandler, EventHandlerRequest, H3Event } from 'h3'
import { defineEventHandler, setResponseHeader, setResponseHeaders, setResponseStatus } from 'h3'
import { v7 as uuidv7 } from 'uuid'
import { ZodError } from 'zod'
import { isDatabaseGone } from '../../db/is-database-gone'
import { databaseUnavailable, LoomError } from '../errors'
import type { KeyScope } from '../../shared/keys'
import { requireAddress, requireScope, requireSomeInference } from '../gateway/apply-policy'
import type { Caller } from '../gateway/caller'
import { errorHeaders, toOpenAiError } from '../gateway/openai-error'
import { useRuntime } from '../runtime'
import type { Runtime } from '../runtime'
import { readClientIp } from './client-ip'
import { askAfterBody } from './late-body'
import { tellKeyExpiry } from './tell-key-expiry'

interface GatewayCall { event: H3Event, caller: Caller, runtime: Runtime }

/**
 * A handler of `/v1` that calls no model: authenticated by an API key that has `scope` (`any call`: one that may make some kind of
 * model call), errors in the OpenAI dialect.
 */
export function defineGatewayHandler<Result>(scope: KeyScope | 'any call', handler: (call: GatewayCall) => Result | Promise<Result>): EventHandler<EventHandlerRequest, Promise<unknown>> {
  return defineEventHandler(async (event) => {
    const runtime = useRuntime()
    const requestId = uuidv7()
    setResponseHeader(event, 'x-request-id', requestId)
    try {
      const readIp = () => readClientIp(event.node.req, runtime.config.TRUSTED_PROXIES)
      const admit = async () => {
        const caller = await runtime.gateway.authenticator.authenticate(event.node.req.headers, readIp)
        tellKeyExpiry(event.node.res, caller)
        if (scope === 'any call') requireSomeInference(caller)
        else requireScope(caller, scope)
        requireAddress(caller, readIp())
        return caller
      }
      const caller = await admit()
      askAfterBody(event, async () => void await admit())
      return await handler({ event, caller, runtime })
    } catch (cause) {
      const error = toLoomError(cause)
      if (runtime.gateway.countUnserved(error) || error.status === 500) runtime.log.error({ err: cause, requestId, path: event.path.split('?')[0] }, 'A request failed on our side')
      setResponseStatus(event, error.status)
      setResponseHeaders(event, errorHeaders(error))
      return toOpenAiError(error)
    }
  })
}

function toLoomError(cause: unknown): LoomError {
  if (cause instanceof LoomError) return cause
  if (cause instanceof ZodError) {
    const issue = cause.issues[0]
    if (issue?.code === 'unrecognized_keys') {
      const unknown = [...issue.path, ...issue.keys.slice(0, 1)].join('.').slice(0, 200)
      return new LoomError('invalid_request', `There is no parameter "${unknown}" here.`, { cause, param: unknown })
    }
    const param = issue?.path.join('.') || undefined
    return new LoomError('invalid_request', `Invalid ${param ?? 'request'}: ${issue?.message}.`, { cause, param })
  }
  if (isDatabaseGone(cause)) return databaseUnavailable(cause)
  return new LoomError('internal_error', 'Something went wrong on our side. Try again.', { cause })
}

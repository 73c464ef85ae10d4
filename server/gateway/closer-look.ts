import type { Target } from '../catalog/target'
import type { CallContext } from './call-context'
import type { Gateway } from './gateway'
import type { CountedRequest } from './operations/operation'

/** How long a provider may take to count. */
const PATIENCE_MS = 10_000

/** Looks at a prompt closer than its bound. */
export interface CloserLook {
  /** What our tokenizer counts; undefined for what it cannot bound. */
  ours: () => Promise<CountedRequest | undefined>
  /** How many tokens the provider of a target tells; undefined where it tells none, or cannot be asked. */
  theirs: (target: Target) => Promise<number | undefined>
}

/** The looks at one call, each taken once, however often its funds are asked. */
export function lookCloser({ pools, log }: Pick<Gateway, 'pools' | 'log'>, { requestId, request, abort }: Pick<CallContext, 'requestId' | 'request'> & Partial<Pick<CallContext, 'abort'>>): CloserLook {
  const told = new Map<Target, Promise<number | undefined>>()
  let counted: Promise<CountedRequest | undefined> | undefined
  const ask = async (target: Target) => {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    try {
      return await request.countAt?.(target, pools.send, abort ? AbortSignal.any([abort.signal, patience]) : patience)
    } catch (cause) {
      if (!abort?.signal.aborted) log.warn({ err: cause, requestId }, 'A provider could not count a prompt; it is held for its bound')
      return undefined
    }
  }
  return {
    ours: () => counted ??= request.countClosely?.() ?? Promise.resolve(undefined),
    theirs: (target) => {
      const asked = told.get(target) ?? ask(target)
      told.set(target, asked)
      return asked
    }
  }
}

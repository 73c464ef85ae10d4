import type { z } from 'zod'
import { useSignOutLocally } from '~/composables/useSession'
import { ApiError, toApiError } from '~/utils/api-error'

interface CallOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | number | boolean | undefined>
  body?: object
  /** Of what is changed, as it was read: a change of anything else by then is refused as a conflict. */
  version?: string | null
  signal?: AbortSignal
}

type Contract<Reply> = z.ZodType<Reply>

type Fetch = (path: string, options: Omit<CallOptions, 'version'> & { retry: false, headers?: Record<string, string> }) => Promise<unknown>

/**
 * Calls our own API as the person at the screen and parses what comes back with its contract, which may still be loading: what is in the
 * first load of a chat imports it only as it calls. A session that has ended leads to the login page and back; drafts stay in this browser.
 * @throws {ApiError} for every failure, an unreadable reply included
 */
export function useApi() {
  // Route middleware calls it, too, where no component is set up.
  const { t } = useNuxtApp().$i18n
  // On the server this carries the visitor's cookies along.
  const request: Fetch = useRequestFetch()
  const signOutLocally = useSignOutLocally()

  return async function call<Reply>(contract: Contract<Reply> | Promise<Contract<Reply>>, path: string, { version, ...options }: CallOptions = {}): Promise<Reply> {
    let schema: Contract<Reply>
    let reply: unknown
    try {
      // Before anything is asked for: what was done but cannot be read would be done again.
      schema = await contract
      reply = await request(path, { ...options, ...(version && { headers: { 'if-match': `"${version}"` } }), retry: false })
    } catch (thrown) {
      const error = toApiError(thrown, t)
      // Not awaited: whoever called still has to put back what was typed, before the page is left.
      // The sign-in library refuses a wrong code or password with 401, too: that ends no session.
      if (error.status === 401 && !path.startsWith('/api/auth/')) void signOutLocally()
      throw error
    }
    const parsed = schema.safeParse(reply)
    if (parsed.success) return parsed.data
    console.error(`${path} replied with something unexpected`, parsed.error.issues)
    throw new ApiError(200, 'unexpected_reply', t('app.api.theServerRepliedWithSomething'))
  }
}

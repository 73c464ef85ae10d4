import type { SessionInfo } from '#shared/identity'

/**
 * Who is here, in which org, with which role; undefined until the route middleware has asked. Shared by the whole
 * app, carried from the server's rendering to the browser.
 */
export function useSession() {
  return useState<SessionInfo | undefined>('session', () => undefined)
}

/** Asks the server again: after login, after an org was switched. */
export function useRefreshSession() {
  const session = useSession()
  const request: (path: string) => Promise<SessionInfo> = useRequestFetch()
  return async () => {
    const fresh = await request('/api/session')
    session.value = fresh
    return fresh
  }
}

/** Forgets who was here and asks them to log in, then brings them back to this page. */
export function useSignOutLocally() {
  const session = useSession()
  const nuxt = useNuxtApp()
  const route = useRoute()
  return async () => {
    // There, it only says that name, password or code are wrong.
    if (route.path === '/login') return
    if (session.value) session.value = { ...session.value, user: null }
    await nuxt.runWithContext(() => navigateTo({ path: '/login', query: { next: route.fullPath } }))
  }
}

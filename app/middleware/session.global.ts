import { useRefreshSession, useSession } from '~/composables/useSession'
import type { ApiError } from '~/utils/api-error'
import { toApiError } from '~/utils/api-error'
import { safeNext } from '~/utils/safe-next'

const forStrangers = new Set(['/login', '/sign-up', '/setup', '/forgot-password'])

/** Sends everyone where they can go on: the first visitor to set up, strangers to log in, members to their work. */
export default defineNuxtRouteMiddleware(async (to) => {
  // The same for everyone, and asks nobody who they are.
  if (to.path === '/reference') return
  const { t } = useNuxtApp().$i18n
  const known = useSession().value
  const session = known ?? await useRefreshSession()().catch((error: unknown) => {
    throw pageError(toApiError(error, t))
  })

  if (session.setupNeeded) return to.path === '/setup' ? undefined : navigateTo('/setup')
  // Signed in or not: a link may be opened where somebody else is.
  if (to.path.startsWith('/invite/') || to.path === '/reset-password') return
  if (session.user) return forStrangers.has(to.path) ? navigateTo(safeNext(to.query.next)) : undefined
  if (to.path === '/sign-up' && session.signUpOpen) return
  if (to.path === '/forgot-password' && session.mailsResetLinks) return
  if (to.path === '/login') return
  return navigateTo({ path: '/login', query: to.path === '/' ? {} : { next: to.fullPath } })
})

/** The status tells the person what to expect, and whoever balances the load where not to send them. */
function pageError({ status, message }: ApiError) {
  // Only who sends an API key along is refused here, and the refusal says what is wrong with it.
  if (status >= 400 && status < 500) return createError({ status, message, fatal: true })
  return createError({ status: status === 503 ? 503 : 500, fatal: true })
}

import { z } from 'zod'
import { useApi } from '~/composables/useApi'
import { useRefreshSession } from '~/composables/useSession'
import { ApiError } from '~/utils/api-error'
import { safeNext } from '~/utils/safe-next'

const SignInReply = z.object({ twoFactorRedirect: z.boolean().optional() })

/**
 * Takes whoever has just been let in to where they wanted to go.
 * @throws {ApiError} when the browser has kept nothing of it
 */
export function useArrive() {
  const { t } = useI18n()
  const refresh = useRefreshSession()
  const route = useRoute()
  return async () => {
    clearNuxtData()
    const { user } = await refresh()
    if (!user) throw new ApiError(0, 'session_not_kept', t('auth.login.yourBrowserKeptNoSession'))
    await navigateTo(safeNext(route.query.next))
  }
}

/**
 * Signs somebody in and takes them to where they wanted to go; `needs-code`: the password was right, and now a code is asked for.
 * @throws {ApiError} when the pair is wrong
 */
export function useEnter() {
  const api = useApi()
  const arrive = useArrive()
  return async ({ email, password }: { email: string, password: string }): Promise<'in' | 'needs-code'> => {
    const { twoFactorRedirect } = await api(SignInReply, '/api/auth/sign-in/email', { method: 'POST', body: { email, password } })
    if (twoFactorRedirect) return 'needs-code'
    await arrive()
    return 'in'
  }
}

import { useRefreshSession, useSession } from '~/composables/useSession'

/** A page that the browser has kept whole comes back as it was. It is loaded anew where somebody else is here by now, or nobody. */
export default defineNuxtPlugin(() => {
  const session = useSession()
  const refresh = useRefreshSession()

  async function check() {
    const before = session.value?.user?.id
    try {
      if ((await refresh()).user?.id !== before) location.reload()
    } catch (error) {
      console.warn('Whose session it is could not be asked', error)
    }
  }

  window.addEventListener('pageshow', ({ persisted }) => persisted && void check())
})

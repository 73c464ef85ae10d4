import type { LocationQueryRaw } from 'vue-router'

/** The changes that were asked for, one after the other. */
let last: Promise<unknown> = Promise.resolve()

/** Changes a part of the address' query, in place. Of two changes at once both hold: each begins where the one before has led. */
export function usePatchQuery() {
  const router = useRouter()
  return (change: LocationQueryRaw) => {
    const { path } = router.currentRoute.value
    const go = async () => {
      const { path: current, query } = router.currentRoute.value
      // Whoever has gone elsewhere meanwhile stays there.
      if (current === path) await navigateTo({ query: { ...query, ...change } }, { replace: true })
    }
    last = last.then(go, go)
  }
}

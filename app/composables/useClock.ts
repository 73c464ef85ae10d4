import { createSharedComposable, useIntervalFn, useMounted } from '@vueuse/core'

/** The reader's time, to the half minute, one timer for the whole app; undefined until mounted, because the server cannot know it. */
export function useClock() {
  const mounted = useMounted()
  const now = import.meta.client ? useSharedNow() : shallowRef(new Date(0))
  return computed(() => mounted.value ? now.value : undefined)
}

const useSharedNow = createSharedComposable(() => {
  const now = shallowRef(new Date())
  useIntervalFn(() => {
    now.value = new Date()
  }, 30_000)
  return now
})

/**
 * `useAsyncData` for what several parts of a page show. On the server Nuxt reads it anew for each of them, unless told otherwise: a part that was drawn before would
 * show what stood there then, and the browser, which is told of the last, would not find it so.
 */
export function useSharedData<Data>(key: MaybeRefOrGetter<string>, read: () => Promise<Data>, { immediate = true } = {}) {
  const { payload } = useNuxtApp()
  const once = import.meta.server ? { dedupe: 'defer' as const, enabled: () => !(toValue(key) in payload.data) } : {}
  return useAsyncData(key, read, { ...once, immediate })
}

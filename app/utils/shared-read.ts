import type { NuxtApp } from '#app'

/**
 * Options of `useAsyncData` for what several parts of a page read. On the server Nuxt reads it anew for each of them, unless told otherwise: a part that was drawn
 * before would show what stood there then, and the browser, which is told of the last, would not find it so.
 */
export const sharedRead = import.meta.server
  ? { dedupe: 'defer' as const, getCachedData: <Data>(key: string, { payload }: NuxtApp): Data | undefined => payload.data[key] }
  : {}

import type { z } from 'zod'
import { useSession } from '~/composables/useSession'

/**
 * What a form holds and nobody has saved: kept in this browser until it is saved or left on purpose, so that neither a slip nor a session that ends loses it.
 * @param place names what the form is about; undefined: nothing is kept
 * @param form what was changed in it, and whatever that is to be kept with
 */
export function useUnsaved<Form extends { changed: object }>(place: string | undefined, contract: z.ZodType<Form>, form: () => Form) {
  const session = useSession()
  // Of whoever opened the page, even after their session has ended.
  const key = place && `loom:unsaved:${session.value?.user?.id ?? 'nobody'}:${place}`
  const unsaved = computed(() => Object.keys(form().changed).length > 0 ? JSON.stringify(form()) : undefined)
  watch(unsaved, text => key && (text === undefined ? localStorage.removeItem(key) : localStorage.setItem(key, text)))

  return {
    /** What was left unsaved; to be read before the form is filled. */
    read: (): Form | undefined => {
      const left = key && localStorage.getItem(key)
      if (!left) return undefined
      try {
        return contract.parse(JSON.parse(left))
      } catch (error) {
        console.warn('What was left unsaved in this browser could not be read', error)
        return undefined
      }
    },
    forget: () => key && localStorage.removeItem(key)
  }
}

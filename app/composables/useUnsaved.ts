import { useEventListener } from '@vueuse/core'
import type { z } from 'zod'
import { useSession } from '~/composables/useSession'

/**
 * What a form holds and nobody has saved: kept in this browser until it is saved or left on purpose, so that neither a slip nor a session that ends loses it.
 * A form that opens begins with what was left last; a page that is left leaves its own, whatever others have made of it meanwhile.
 * @param place names what the form is about; undefined: nothing is kept
 * @param form what was changed in it, and whatever that is to be kept with
 */
export function useUnsaved<Form extends { changed: object }>(place: string | undefined, contract: z.ZodType<Form>, form: () => Form) {
  if (!place) return { read: () => undefined, forget: () => undefined }
  const session = useSession()
  // Of whoever opened the page, even after their session has ended.
  const key = `loom:unsaved:${session.value?.user?.id ?? 'nobody'}:${place}`
  // As the contract writes it: what is read is the same text again, until it is changed.
  const unsaved = computed(() => Object.keys(form().changed).length > 0 ? JSON.stringify(contract.parse(form())) : undefined)

  /** What is kept, as this page has left or found it. */
  let kept: string | null = null
  /** Written here, not only found. */
  let isOwn = false

  function forget() {
    // What another page has written since stays.
    if (localStorage.getItem(key) === kept) localStorage.removeItem(key)
    kept = null
    isOwn = false
  }

  watch(unsaved, (text) => {
    if (text === undefined) return forget()
    if (text === kept) return
    localStorage.setItem(key, text)
    kept = text
    isOwn = true
  })
  const leave = () => isOwn && kept !== null && localStorage.setItem(key, kept)
  useEventListener('pagehide', leave)
  onBeforeUnmount(leave)

  return {
    /** What was left unsaved; to be read before the form is filled. */
    read: (): Form | undefined => {
      if (!isOwn) kept = localStorage.getItem(key)
      if (!kept) return undefined
      try {
        return contract.parse(JSON.parse(kept))
      } catch (error) {
        console.warn('What was left unsaved in this browser could not be read', error)
        return undefined
      }
    },
    forget
  }
}

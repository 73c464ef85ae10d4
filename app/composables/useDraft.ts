import { useEventListener } from '@vueuse/core'
import { useSession } from '~/composables/useSession'

/**
 * What somebody has typed and not sent, kept in this browser for each conversation until it is sent, unless nothing is to be kept. A page that opens
 * begins with what was written last; one that is left leaves its own, whatever others have made of it meanwhile.
 */
export function useDraft(place: MaybeRefOrGetter<string>, { keep = true } = {}) {
  const session = useSession()
  const draft = ref('')
  if (!keep) return draft
  // Of whoever opened the page, even after their session has ended.
  const owner = session.value?.user?.id ?? 'nobody'
  const key = () => `loom:draft:${owner}:${toValue(place)}`

  /** Written here, not only found. */
  let isOwn = false
  onMounted(() => {
    let kept = localStorage.getItem(key()) ?? ''
    isOwn = draft.value !== ''
    draft.value ||= kept
    watch(draft, (text) => {
      isOwn = true
      if (text) localStorage.setItem(key(), text)
      // What another page has written since stays.
      else if (localStorage.getItem(key()) === kept) localStorage.removeItem(key())
      kept = text
    }, { flush: 'sync' })
  })

  // Another page has sent the very same, which it or this one had found.
  useEventListener('storage', ({ key: changed, oldValue, newValue }) => {
    if (changed === key() && newValue === null && oldValue === draft.value) draft.value = ''
  })

  // What was only found may be longer by now.
  const leave = () => draft.value && (isOwn || localStorage.getItem(key()) === null) && localStorage.setItem(key(), draft.value)
  useEventListener('pagehide', leave)
  onBeforeUnmount(leave)
  return draft
}

import { useSession } from '~/composables/useSession'

/** What somebody has typed and not sent, kept in this browser for each conversation until it is sent, unless nothing is to be kept. */
export function useDraft(place: MaybeRefOrGetter<string>, { keep = true } = {}) {
  const session = useSession()
  const draft = ref('')
  // Of whoever opened the page, even after their session has ended.
  const owner = session.value?.user?.id ?? 'nobody'
  const key = () => `loom:draft:${owner}:${toValue(place)}`

  onMounted(() => {
    if (!keep) return
    draft.value ||= localStorage.getItem(key()) ?? ''
    watch(draft, text => text ? localStorage.setItem(key(), text) : localStorage.removeItem(key()), { flush: 'sync' })
  })
  return draft
}

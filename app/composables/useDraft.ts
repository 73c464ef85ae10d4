import { useSession } from '~/composables/useSession'
import { makeId } from '~/utils/make-id'

/**
 * What somebody has typed and not sent, kept in this browser for each conversation until it is sent, unless nothing is to be kept. Each page
 * keeps its own, so that two on one conversation lose no word of each other's, and begins with the one that was edited last.
 */
export function useDraft(place: MaybeRefOrGetter<string>, { keep = true } = {}) {
  const session = useSession()
  const draft = ref('')
  // Of whoever opened the page, even after their session has ended.
  const owner = session.value?.user?.id ?? 'nobody'

  onMounted(() => {
    if (!keep) return
    const prefix = `loom:draft:${owner}:${toValue(place)}:`
    const own = prefix + makeId()
    let shown = draft.value ? undefined : findNewest(prefix)
    draft.value ||= shown?.text ?? ''
    watch(draft, (text) => {
      // It lives on in what is written over it, unless its own page has gone on with it.
      if (shown && localStorage.getItem(shown.key) === shown.kept) localStorage.removeItem(shown.key)
      shown = undefined
      if (text) localStorage.setItem(own, `${Date.now()}:${text}`)
      else localStorage.removeItem(own)
    }, { flush: 'sync' })
  })
  return draft
}

function findNewest(prefix: string) {
  return Object.entries(localStorage)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, kept]: [string, string]) => ({ key, kept, editedAt: Number.parseInt(kept), text: kept.slice(kept.indexOf(':') + 1) }))
    .sort((one, other) => other.editedAt - one.editedAt)[0]
}

import { useSession } from '~/composables/useSession'

/** Keeps the model chosen for a message as long as that is a draft. */
export function useDraftModel(place: () => string, model: Ref<string | undefined>, hasDraft: () => boolean) {
  const session = useSession()
  const owner = session.value?.user?.id ?? 'nobody'
  const key = () => `loom:draft-model:${owner}:${place()}`

  onMounted(() => {
    const kept = localStorage.getItem(key())
    if (kept !== null && hasDraft()) model.value = kept
    watch([model, hasDraft], ([chosen, drafted]) => chosen && drafted ? localStorage.setItem(key(), chosen) : localStorage.removeItem(key()))
  })
}

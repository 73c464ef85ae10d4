import { useOnDemand } from '~/composables/useOnDemand'

/**
 * Renames a conversation where its title stands: while `renaming`, `field` stands there instead.
 * @param focusBack to what stood there; not when the person has gone elsewhere meanwhile
 */
export function useRenaming(focusBack: () => void) {
  const { component: field, load, prefetch } = useOnDemand(() => import('~/components/conversation/ConversationTitleField.vue'))
  const renaming = ref(false)
  return {
    field,
    prefetch,
    renaming: readonly(renaming),
    begin: async () => {
      await load()
      renaming.value = true
    },
    end: async ({ byKey }: { byKey: boolean }) => {
      renaming.value = false
      await nextTick()
      if (byKey) focusBack()
    }
  }
}

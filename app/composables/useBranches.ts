import { useNotify } from '~/composables/useNotify'
import type { Thread } from '~/composables/useThread'

interface Screen {
  view: Readonly<Ref<{ leaveEnd: () => void, reveal: (messageId: string) => Promise<void>, toEnd: () => void } | null>>
  composer: Readonly<Ref<{ focus: () => void } | null>>
  mayWrite: Readonly<Ref<boolean>>
}

/** The ways between the branches of a thread: to a message, wherever it stands, to another version of one, and back from a look. Each reports its own failure. */
export function useBranches(thread: Thread, { view, composer, mayWrite }: Screen) {
  const { t } = useI18n()
  const { attempt } = useNotify()
  const { shown, looking, busy } = thread

  /** From a look, a question follows the answer that it ends with; not while another is written, which the chat goes on from. */
  const mayAsk = computed(() => !looking.value || (!busy.value && shown.value.at(-1)?.role === 'assistant'))

  /** To a message that a search has found. */
  async function reachHit(messageId: string) {
    const reached = await attempt(t('conversation.view.theMessageWasNotFound'), () => thread.reach(messageId))
    if (!reached) return
    await nextTick()
    await view.value?.reveal(messageId)
  }

  /** To the branch through another version: with everybody, or alone for who only reads. */
  async function show(messageId: string) {
    view.value?.leaveEnd()
    await attempt(t('conversation.view.theOtherVersionWasNotShown'), async () => {
      if (mayWrite.value) await thread.show(messageId)
      else await thread.reach(messageId)
    })
  }

  /** Back from a look, which a reload would find in the address otherwise. */
  async function leaveLook() {
    thread.leaveLook()
    await navigateTo({ query: {} }, { replace: true })
    view.value?.toEnd()
    composer.value?.focus()
  }

  /** Turns the chat to what is looked at, for everybody. */
  async function switchBranch() {
    const last = shown.value.at(-1)
    if (!last) return
    await attempt(t('conversation.view.theOtherVersionWasNotShown'), () => thread.show(last.id))
    await nextTick()
    composer.value?.focus()
  }

  return { mayAsk, reachHit, show, leaveLook, switchBranch }
}

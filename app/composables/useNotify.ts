import { toApiError } from '~/utils/api-error'

/** Short messages in the corner: what was done, or what failed and what to do next. */
export function useNotify() {
  const { t } = useI18n()
  const toast = useToast()
  const failed = (title: string, thrown: unknown) =>
    toast.add({ title, description: toApiError(thrown, t).message, icon: 'i-lucide-circle-alert', color: 'error' })
  return {
    done: (title: string) => toast.add({ title, icon: 'i-lucide-check', color: 'neutral' }),
    /** What was done, and the way back. */
    undoable: (title: string, icon: string, undo: () => unknown) =>
      toast.add({ title, icon, color: 'neutral', actions: [{ label: t('common.undo'), color: 'neutral', variant: 'subtle', onClick: () => void undo() }] }),
    failed,
    /** Does what may fail without a place of its own to say so; `what` says it, and nothing comes back. */
    attempt: async <Result>(what: string, work: () => Promise<Result>): Promise<Result | undefined> => {
      try {
        return await work()
      } catch (error) {
        failed(what, error)
        return undefined
      }
    }
  }
}

import { toApiError } from '~/utils/api-error'

/** Short messages in the corner: what was done, or what failed and what to do next. */
export function useNotify() {
  const { t } = useI18n()
  const toast = useToast()
  return {
    done: (title: string) => toast.add({ title, icon: 'i-lucide-check', color: 'neutral' }),
    failed: (title: string, thrown: unknown) =>
      toast.add({ title, description: toApiError(thrown, t).message, icon: 'i-lucide-circle-alert', color: 'error' })
  }
}

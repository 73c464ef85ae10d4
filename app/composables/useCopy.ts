import { useNotify } from '~/composables/useNotify'
import { ApiError } from '~/utils/api-error'
import { copyText } from '~/utils/copy-text'

/** Copies a text; false, and said, where the browser refuses. */
export function useCopy() {
  const { t } = useI18n()
  const notify = useNotify()
  return async (text: string): Promise<boolean> => {
    const isCopied = await copyText(text)
    if (!isCopied) notify.failed(t('common.copyButton.notCopied'), new ApiError(0, 'not_copied', t('common.copyButton.yourBrowserRefused')))
    return isCopied
  }
}

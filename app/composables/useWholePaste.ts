import { MESSAGE_TEXT_MAX } from '#shared/message-limits'
import { useNotify } from '~/composables/useNotify'
import { ApiError } from '~/utils/api-error'
import { fitsField } from '~/utils/fits-field'
import { formatCount } from '~/utils/format-number'

/** Refuses, in words, what is pasted into a field for a message that cannot hold all of it. */
export function useWholePaste() {
  const { t } = useI18n()
  const notify = useNotify()
  return (event: ClipboardEvent) => {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    if (event.defaultPrevented || fitsField(event.target, text, MESSAGE_TEXT_MAX)) return
    event.preventDefault()
    notify.failed(t('chat.paste.nothingWasPasted'), new ApiError(400, 'text_too_long', t('chat.paste.aMessageHolds', { max: formatCount(MESSAGE_TEXT_MAX), pasted: formatCount(text.length) })))
  }
}

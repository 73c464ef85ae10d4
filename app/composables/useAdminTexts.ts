import { en } from '~/locales/en'
import { enAdmin } from '~/locales/en/admin'

/** Knows the texts of the dashboard from here on: they come with the pages that show them. */
export function useAdminTexts() {
  const { $i18n } = useNuxtApp()
  if (!('wallet' in $i18n.getLocaleMessage('en'))) $i18n.setLocaleMessage('en', markRaw({ ...en, ...enAdmin }))
}

import { createI18n } from 'vue-i18n'
import { en } from '../../app/locales/en'
import { enAdmin } from '../../app/locales/en/admin'

/** The texts as the app shows them in English. */
export const { t } = createI18n({ legacy: false, locale: 'en', messages: { en: { ...en, ...enAdmin } } }).global

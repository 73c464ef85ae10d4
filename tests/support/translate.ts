import { createI18n } from 'vue-i18n'
import { en } from '../../app/locales/en'

/** The texts as the app shows them in English. */
export const { t } = createI18n({ legacy: false, locale: 'en', messages: { en } }).global

import { en } from '~/locales/en'

/** The texts come with the code that shows them: no page waits for a request of its own. They never change, so nothing watches them. Those of the dashboard come with it (`useAdminTexts`). */
export default defineNuxtPlugin({
  name: 'texts',
  dependsOn: ['i18n:plugin'],
  setup({ $i18n }) {
    $i18n.setLocaleMessage('en', markRaw(en))
    $i18n.locale.value = 'en'
  }
})

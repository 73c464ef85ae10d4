import { ApiKey } from '#shared/keys'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'

/** The key that the address names. Links lead to keys that the list does not show (yet): those are read by themselves. */
export function useOpenKey(listed: Ref<ApiKey[]>) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const route = useRoute()
  const id = computed(() => typeof route.query.key === 'string' ? route.query.key : undefined)
  const inList = computed(() => listed.value.find(key => key.id === id.value))
  const { data: byItself } = useAsyncData(() => `key:${id.value}`, async () => {
    if (id.value === undefined || inList.value) return null
    const path = `/api/keys/${encodeURIComponent(id.value)}`
    return await notify.attempt(t('key.page.theKeyWasNotOpened'), () => api(ApiKey, path)) ?? null
  }, { server: false })
  return computed(() => inList.value ?? byItself.value ?? undefined)
}

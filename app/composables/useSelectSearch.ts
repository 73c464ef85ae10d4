import { refDebounced } from '@vueuse/core'

export interface SelectItem { value: string, label: string, description?: string }

/** What stands in the field before anything is typed. `isWhole`: these are all, and nobody needs to be asked. */
export interface SelectStart { items: SelectItem[], isWhole: boolean }

/** The items of a select menu over what may be very many: those it starts with are listed, any other is found by what is typed. */
export function useSelectSearch(start: () => SelectStart | undefined, find: (search: string) => Promise<SelectItem[]>) {
  const term = ref('')
  const typed = computed(() => term.value.trim())
  const settled = refDebounced(typed, 200)
  // Nothing counts at once: the same words, typed again after a choice, are asked anew.
  const search = computed(() => typed.value && settled.value)
  const isWhole = computed(() => start()?.isWhole === true)
  const { data: found, error, status } = useAsyncData(`select-search-${useId()}`, async () => search.value && !isWhole.value ? find(search.value) : null, { watch: [search], immediate: false })

  /** Until they are found nothing is listed: Enter would take what was listed before. */
  const isSearching = computed(() => !isWhole.value && (status.value === 'pending' || typed.value !== search.value))
  const items = computed<SelectItem[]>(() => {
    if (isSearching.value) return []
    return (search.value !== '' && !isWhole.value ? found.value : start()?.items) ?? []
  })

  /** Of all that were ever listed: what is chosen stays to be read while others are. */
  const labels = reactive(new Map<string, string>())
  watch(items, (listed) => {
    for (const { value, label } of listed) labels.set(value, label)
  }, { immediate: true })
  const labelOf = (value: string | undefined) => value === undefined ? undefined : items.value.find(item => item.value === value)?.label ?? labels.get(value)

  return { term, items, isSearching, isWhole, error, labelOf }
}

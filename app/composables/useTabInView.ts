/** Brings the tab of the current page into view: on a phone the `list` of them scrolls. */
export function useTabInView(list: Readonly<Ref<HTMLElement | null>>) {
  const route = useRoute()
  onMounted(() => watch(() => route.path, async () => {
    await nextTick()
    list.value?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, { immediate: true }))
}

const KEY = 'loom:tools'

/** Whether answers may call tools: as the conversation has it, and in a new one as was chosen last in this browser. */
export function useToolsWanted(initial: boolean | undefined) {
  const wanted = ref(initial ?? false)
  onMounted(() => {
    wanted.value = initial ?? localStorage.getItem(KEY) === 'on'
    watch(wanted, on => localStorage.setItem(KEY, on ? 'on' : 'off'))
  })
  return wanted
}

/** Whether the search was asked for, by its key or its button: only then it is loaded. From then on it opens and closes by itself. */
export function useSearchWanted() {
  const wanted = ref(false)
  const ask = () => {
    wanted.value = true
  }
  defineShortcuts({ meta_k: { usingInput: true, handler: ask } })
  useRuntimeHook('dashboard:search:toggle', ask)
  return readonly(wanted)
}

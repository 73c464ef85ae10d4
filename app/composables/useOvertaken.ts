/**
 * Whether what a dialog edits has changed behind it, by whomever, so that the list has it from before. For the dialog to set; it is told once the dialog
 * is left: where the list cannot be read anew, the list is gone, with all in it, but nothing typed.
 */
export function useOvertaken(open: Readonly<Ref<boolean>>, tell: () => void): Ref<boolean> {
  const isOvertaken = ref(false)
  watch(open, (isOpen) => {
    if (!isOpen && isOvertaken.value) tell()
    isOvertaken.value = false
  })
  return isOvertaken
}

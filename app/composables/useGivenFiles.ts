import { useEventListener } from '@vueuse/core'

/** A longer paste becomes a file: a field with that much text in it is slow to type in and hard to read. */
const PASTED_TEXT_MAX = 20_000

/** Takes the files that are pasted, or dropped anywhere on the page. */
export function useGivenFiles(add: (files: Iterable<File>) => Promise<void>) {
  const dragging = ref(false)
  let depth = 0

  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true

  function count(event: DragEvent, by: number) {
    if (!hasFiles(event)) return
    depth = Math.max(0, depth + by)
    dragging.value = depth > 0
  }

  useEventListener('dragenter', (event: DragEvent) => count(event, 1))
  useEventListener('dragleave', (event: DragEvent) => count(event, -1))
  // Without this the browser would leave the page for the file.
  useEventListener('dragover', (event: DragEvent) => hasFiles(event) && event.preventDefault())
  useEventListener('drop', (event: DragEvent) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    depth = 0
    dragging.value = false
    void add(event.dataTransfer?.files ?? [])
  })

  function onPaste(event: ClipboardEvent) {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    const files = [...event.clipboardData?.files ?? []]
    if (text.length > PASTED_TEXT_MAX) files.splice(0, files.length, new File([text], 'pasted.txt', { type: 'text/plain' }))
    // Programs put a picture beside the text they copy: what is short enough to read is meant as text.
    else if (text !== '') return
    if (files.length === 0) return
    event.preventDefault()
    void add(files)
  }

  return { dragging: readonly(dragging), onPaste }
}

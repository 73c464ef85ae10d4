import { MESSAGE_TEXT_MAX } from '#shared/message-limits'
import { fitsField } from '~/utils/fits-field'
import { useEventListener } from '@vueuse/core'

/** A longer paste becomes a file: a field with that much text in it is slow to type in and hard to read. */
const PASTED_TEXT_MAX = 20_000

/**
 * Takes the files that are pasted, or dropped anywhere on the page.
 * @param addText takes a paste too long for the field; where it is undefined, that goes into the field like any other
 */
export function useGivenFiles({ add, addText }: { add: (files: File[]) => Promise<unknown>, addText: ((text: string) => Promise<unknown>) | undefined }) {
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
    void add([...event.dataTransfer?.files ?? []])
  })

  function onPaste(event: ClipboardEvent) {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    const files = [...event.clipboardData?.files ?? []]
    const isLong = addText !== undefined && (text.length > PASTED_TEXT_MAX || !fitsField(event.target, text, MESSAGE_TEXT_MAX))
    // Programs put a picture beside the text they copy: what is short enough to read is meant as text.
    if (!isLong && (text !== '' || files.length === 0)) return
    event.preventDefault()
    void (isLong ? addText(text) : add(files))
  }

  return { dragging: readonly(dragging), onPaste }
}

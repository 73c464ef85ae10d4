/** Puts a text into the clipboard. False where the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch (error) {
    // Over plain http there is none.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error
    return copyByCommand(text)
  }
}

/** The older way. What is copied is given to the event of it: a field that were selected would take the focus, which dialogs and menus take back at once. */
function copyByCommand(text: string): boolean {
  const holder = document.createElement('span')
  holder.textContent = text
  holder.style.cssText = 'position:fixed;opacity:0;white-space:pre'
  document.body.append(holder)
  // Safari copies nothing where nothing is selected.
  getSelection()?.selectAllChildren(holder)
  let isCopied = false
  const give = (event: ClipboardEvent) => {
    event.preventDefault()
    event.stopImmediatePropagation()
    event.clipboardData?.setData('text/plain', text)
    isCopied = event.clipboardData !== null
  }
  addEventListener('copy', give, { capture: true })
  try {
    return document.execCommand('copy') && isCopied
  } finally {
    removeEventListener('copy', give, { capture: true })
    holder.remove()
  }
}

/** Whether a paste into a field, over what is selected there, leaves it no longer than it may be. Of one that does not fit, a browser enters the beginning without a word. */
export function fitsField(field: EventTarget | null, pasted: string): boolean {
  if (!(field instanceof HTMLTextAreaElement) || field.maxLength < 0) return true
  return field.value.length - (field.selectionEnd - field.selectionStart) + pasted.length <= field.maxLength
}

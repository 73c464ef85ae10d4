/** Whether a paste into a field for a text, over what is selected there, leaves it no longer than `max`. */
export function fitsField(field: EventTarget | null, pasted: string, max: number): boolean {
  if (!(field instanceof HTMLTextAreaElement)) return true
  return field.value.length - (field.selectionEnd - field.selectionStart) + pasted.length <= max
}

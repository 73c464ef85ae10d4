/** Whether this Enter sends: not inside an input method's word, and not on a touch keyboard, where it is the only way to a new line. */
export function isSendKey(event: KeyboardEvent): boolean {
  return !event.isComposing && !event.shiftKey && !matchMedia('(pointer: coarse)').matches
}

/** The code of a key that an input method has taken. */
const INPUT_METHOD = 229

/** Whether an input method has taken this key, for the word that is being composed. */
export function composes({ isComposing, keyCode }: Pick<KeyboardEvent, 'isComposing' | 'keyCode'>): boolean {
  // Safari ends the word before it tells of the key that ended it: by its code alone that is known as the input method's.
  return isComposing || keyCode === INPUT_METHOD
}

/** Whether this Enter sends: not inside an input method's word; and where fingers point, only with Ctrl or Cmd, for on their keyboards it is the only way to a new line. */
export function isSendKey(event: Pick<KeyboardEvent, 'isComposing' | 'keyCode' | 'shiftKey' | 'ctrlKey' | 'metaKey'>): boolean {
  return !composes(event) && !event.shiftKey && (event.ctrlKey || event.metaKey || !matchMedia('(pointer: coarse)').matches)
}

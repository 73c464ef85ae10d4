/** The code of a key that an input method has taken. */
const INPUT_METHOD = 229

/** Whether this Enter sends: not inside an input method's word, and not on a touch keyboard, where it is the only way to a new line. */
export function isSendKey(event: Pick<KeyboardEvent, 'isComposing' | 'keyCode' | 'shiftKey'>): boolean {
  // Safari ends the word before it tells of the key that ended it: by its code alone that is known as the input method's.
  const composes = event.isComposing || event.keyCode === INPUT_METHOD
  return !composes && !event.shiftKey && !matchMedia('(pointer: coarse)').matches
}

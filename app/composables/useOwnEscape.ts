import { composes } from '~/utils/is-send-key'

/** What Escape does in a form that is within something with an Escape of its own: it leaves the form alone, and nothing while an input method has the key. */
export function useOwnEscape(leave: () => void) {
  return (event: KeyboardEvent) => {
    event.stopPropagation()
    if (composes(event)) return
    event.preventDefault()
    leave()
  }
}

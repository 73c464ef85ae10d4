import type { ShallowRef } from 'vue'
import { useEventListener, useResizeObserver } from '@vueuse/core'

/** Nearer to the end than this counts as being there: browsers round scroll positions. */
const AT_END_PX = 4
/** How long a turn of the wheel, a swipe or a key explains that the view went up. */
const INTENT_MS = 1_000
const keysUp = new Set(['ArrowUp', 'PageUp', 'Home'])

/**
 * Keeps the end of a growing thread in view for as long as the reader is there, and leaves them alone once they scroll up.
 */
export function useFollowScroll(scroller: Readonly<ShallowRef<HTMLElement | null>>, content: Readonly<ShallowRef<HTMLElement | null>>) {
  const pinned = ref(true)
  let lastTop = 0
  let lastRange = 0
  let intentAt = -Infinity
  /** Where the view was last put by itself. */
  let ownTop = -1

  const range = (element: HTMLElement) => element.scrollHeight - element.clientHeight
  const hasIntent = () => performance.now() - intentAt < INTENT_MS

  function remember(element: HTMLElement) {
    lastTop = element.scrollTop
    lastRange = range(element)
  }

  function toEnd() {
    const element = scroller.value
    if (!element) return
    pinned.value = true
    element.scrollTop = element.scrollHeight
    ownTop = element.scrollTop
    remember(element)
  }

  /** Stays here whatever is added below: for a change the reader asked for in the middle of the thread. */
  function leaveEnd() {
    pinned.value = false
  }

  function noticeReader() {
    const element = scroller.value
    if (!element) return
    const wentUp = element.scrollTop < lastTop
    // A thread that became shorter goes up by itself.
    if (range(element) - element.scrollTop <= AT_END_PX) pinned.value = true
    else if (wentUp && (hasIntent() || range(element) >= lastRange)) pinned.value = false
    remember(element)
  }

  useEventListener(scroller, 'scroll', noticeReader, { passive: true })
  useEventListener(scroller, ['wheel', 'touchmove', 'keydown'], (event: WheelEvent | TouchEvent | KeyboardEvent) => {
    if ('deltaY' in event ? event.deltaY < 0 : !('key' in event) || keysUp.has(event.key)) intentAt = performance.now()
  }, { passive: true })

  useResizeObserver([scroller, content], () => {
    // A thread that grows in the very frame of the reader's scroll must not undo it: the event of it is still on its way.
    if (pinned.value && hasIntent()) noticeReader()
    if (pinned.value) toEnd()
  })

  /** Moves the view without the reader: for what changed above them. */
  function moveBy(pixels: number) {
    const element = scroller.value
    // Less is rounded away, and would only add up.
    if (!element || Math.abs(pixels) < 1) return
    element.scrollTop += pixels
    ownTop = element.scrollTop
    remember(element)
  }

  /** Whether the view stands where it was put, rather than where the reader has taken it. */
  const isOwnMove = () => scroller.value?.scrollTop === ownTop

  /** Whether the view stands elsewhere than when it was last looked at. */
  const hasMoved = () => scroller.value !== null && scroller.value.scrollTop !== lastTop

  return { pinned: readonly(pinned), toEnd, leaveEnd, moveBy, isOwnMove, hasMoved }
}

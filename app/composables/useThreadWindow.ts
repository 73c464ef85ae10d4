import type { ShallowRef } from 'vue'
import type { Message } from '#shared/messages'
import type { useFollowScroll } from '~/composables/useFollowScroll'
import { estimateHeight } from '~/utils/estimate-height'
import { windowAround, windowAt } from '~/utils/thread-window'
import { useEventListener } from '@vueuse/core'

/** Drawn above and below what is in view, so that scrolling meets rows that are there already. */
const OVERSCAN_PX = 700
/** A row that ends this near to the view's top is above it. */
const AT_TOP_PX = 24

interface Options {
  scroller: Readonly<ShallowRef<HTMLElement | null>>
  /** Holds the rows: its children with `data-row`, the id of their message. */
  list: Readonly<ShallowRef<HTMLElement | null>>
  messages: () => readonly Message[]
  follow: ReturnType<typeof useFollowScroll>
}

/**
 * Which of a thread's settled messages are in the page: those in view and a little more; space stands in for the others. Heights are
 * guessed until a row was once drawn. Whatever changes above the reader (older messages, a guess that was wrong, a picture that came),
 * what they read stays where it is.
 */
export function useThreadWindow({ scroller, list, messages, follow }: Options) {
  const heights = new Map<string, number>()
  /** What the reader looks at: the first row in view and its distance from the view's top. */
  let anchor: { id: string, top: number } | undefined

  const heightAt = (index: number): number => {
    const message = messages()[index]
    if (!message) return 0
    const known = heights.get(message.id) ?? estimateHeight(message, list.value?.clientWidth)
    heights.set(message.id, known)
    return known
  }

  function atEnd() {
    const count = messages().length
    return windowAround(count, count - 1, (scroller.value?.clientHeight ?? 900) + OVERSCAN_PX, 0, heightAt)
  }

  function around(index: number) {
    const view = scroller.value?.clientHeight ?? 900
    return windowAround(messages().length, index, OVERSCAN_PX, view + OVERSCAN_PX, heightAt)
  }

  const range = shallowRef(atEnd())

  const rows = () => [...list.value?.children ?? []].filter((row): row is HTMLElement => row instanceof HTMLElement && row.dataset.row !== undefined)
  const rowOf = (id: string) => rows().find(row => row.dataset.row === id)
  const topOf = (element: HTMLElement) => element.getBoundingClientRect().top - (scroller.value?.getBoundingClientRect().top ?? 0)

  function rememberAnchor() {
    const row = rows().find(one => topOf(one) + one.offsetHeight > 0)
    anchor = row?.dataset.row === undefined ? undefined : { id: row.dataset.row, top: topOf(row) }
  }

  /** Puts what the reader looks at back to where it was, whatever has moved it. */
  function restoreAnchor() {
    const row = anchor && rowOf(anchor.id)
    if (follow.pinned.value) follow.toEnd()
    // The reader has just moved on, and the event of it is still on its way.
    else if (!anchor || !row || follow.hasMoved()) rememberAnchor()
    else follow.moveBy(topOf(row) - anchor.top)
  }

  function show(next: typeof range.value) {
    const { from, to, before, after } = range.value
    if (next.from === from && next.to === to && next.before === before && next.after === after) return
    range.value = next
  }

  /** Draws the rows that belong to where the view is. */
  function fit() {
    const [view, rowsOf] = [scroller.value, list.value]
    if (!view || !rowsOf) return
    const top = -topOf(rowsOf)
    const next = windowAt(messages().length, top - OVERSCAN_PX, top + view.clientHeight + OVERSCAN_PX, heightAt)
    keepFocus(next)
    show(next)
  }

  /** A row that goes must not take the keyboard's place with it. */
  function keepFocus({ from, to }: { from: number, to: number }) {
    const row = document.activeElement?.closest<HTMLElement>('[data-row]')
    if (!row || !list.value?.contains(row)) return
    const index = messages().findIndex(({ id }) => id === row.dataset.row)
    if (index !== -1 && (index < from || index >= to)) scroller.value?.focus({ preventScroll: true })
  }

  useEventListener(scroller, 'scroll', () => {
    if (!follow.isOwnMove()) rememberAnchor()
    fit()
  }, { passive: true })

  watch(messages, (all) => {
    const index = anchor ? all.findIndex(({ id }) => id === anchor?.id) : -1
    range.value = follow.pinned.value || index === -1 ? atEnd() : around(index)
  })

  let observer: ResizeObserver | undefined
  onMounted(() => {
    observer = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        if (!(target instanceof HTMLElement) || target.dataset.row === undefined) continue
        if (target.isConnected) heights.set(target.dataset.row, target.offsetHeight)
        else observer?.unobserve(target)
      }
      restoreAnchor()
      fit()
    })
  })
  onBeforeUnmount(() => observer?.disconnect())
  onUpdated(() => {
    for (const row of rows()) observer?.observe(row)
    restoreAnchor()
  })

  /** Brings a message into view, wherever in the thread it is. False when it is not there. */
  async function reveal(messageId: string, block: ScrollLogicalPosition): Promise<HTMLElement | undefined> {
    const index = messages().findIndex(({ id }) => id === messageId)
    follow.leaveEnd()
    if (index !== -1) show(around(index))
    await nextTick()
    const row = rowOf(messageId)
    row?.scrollIntoView({ block })
    rememberAnchor()
    return row
  }

  /** The message after (or before) the one at the top of the view; undefined at the end of the thread. */
  function neighbour(by: 1 | -1): string | undefined {
    const focused = document.activeElement?.closest<HTMLElement>('[data-row]')
    const current = focused && list.value?.contains(focused) ? focused : rows().find(row => topOf(row) + row.offsetHeight > AT_TOP_PX)
    const index = messages().findIndex(({ id }) => id === current?.dataset.row)
    return messages()[index + by]?.id
  }

  return { range: readonly(range), reveal, neighbour }
}

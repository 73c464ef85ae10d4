/** Shows only the latest of many values, once a frame, so that a fast stream costs no more than the screen can show. */
export function createFrameBuffer<Value>(show: (value: Value) => void) {
  let frame = 0
  let latest: { value: Value } | undefined
  return {
    push(value: Value) {
      latest = { value }
      frame ||= requestAnimationFrame(() => {
        frame = 0
        if (latest) show(latest.value)
      })
    },
    cancel() {
      cancelAnimationFrame(frame)
      frame = 0
      latest = undefined
    }
  }
}

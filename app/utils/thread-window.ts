/** The rows `from` up to, not including, `to`, and the pixels that all before and all after them take. */
export interface RowWindow { from: number, to: number, before: number, after: number }

type HeightAt = (index: number) => number

/** The rows that touch the pixels from `top` to `bottom` of all of them, one at least. */
export function windowAt(count: number, top: number, bottom: number, heightAt: HeightAt): RowWindow {
  let [at, from, to, before, end] = [0, count, count, 0, 0]
  for (let index = 0; index < count; index++) {
    const height = heightAt(index)
    if (from === count && (at + height > top || index === count - 1)) [from, before] = [index, at]
    if (from < count && (at < bottom || index === from)) [to, end] = [index + 1, at + height]
    at += height
  }
  return { from, to, before, after: at - end }
}

/** The rows around one: those that fill `above` pixels over it, and `below` from its top. */
export function windowAround(count: number, row: number, above: number, below: number, heightAt: HeightAt): RowWindow {
  let at = 0
  for (let index = 0; index < row; index++) at += heightAt(index)
  return windowAt(count, at - above, at + Math.max(below, 1), heightAt)
}

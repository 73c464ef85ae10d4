import type { KatexOptions } from 'katex'

/** Longer ones are no formulas, and laying them out would hold up the page. */
const SOURCE_MAX = 4_000

/** No links, pictures, classes or styles of the writer's, and bounds for what macros and sizes may grow to. */
const options: KatexOptions = { trust: false, strict: 'ignore', throwOnError: true, maxSize: 30, maxExpand: 300 }

let loaded: Promise<typeof import('katex')> | undefined

async function loadKatex() {
  const [katex] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')])
  return katex
}

/** Builds the formula inside `place`, element by element; false when it is none. Loads what it needs with the first. */
export async function drawFormula(source: string, block: boolean, place: HTMLElement): Promise<boolean> {
  if (!import.meta.client || source.length > SOURCE_MAX) return false
  loaded ??= loadKatex()
  const { default: katex } = await loaded
  try {
    katex.render(source, place, { ...options, displayMode: block })
    return true
  } catch (error) {
    if (error instanceof katex.ParseError || error instanceof RangeError) return false
    throw error
  }
}

import type { Mermaid } from 'mermaid'

/** A drawn diagram, as the address of a picture and its size in CSS pixels. */
export interface Diagram { picture: string, width: number, height: number }

/** Longer ones would hold up the page. */
const SOURCE_MAX = 20_000
/** Style rules, pictures and icons could name an address; while Mermaid measures, they stand in the page for a moment. */
const REFERS_OUTSIDE = /url\s*\(|@import|image-set|\bimg\s*:|\bimage\s*:|\bicon\s*:|\bsprite\b|<\s*\/?\s*[a-z]+[^>]*(?:src|href|style)|\\[0-9a-f]{2}/i
/** Settings of the writer's: they could loosen ours. */
const SETTINGS = /^\s*---[\s\S]*?\n---\s*\n|%%\s*\{[\s\S]*?\}\s*%%/g

let loaded: Promise<Mermaid> | undefined
let drawings = 0

/** Draws Mermaid's language; `failureKey` is of the text that says why not. Loads what it needs with the first. */
export async function drawDiagram(source: string, dark: boolean): Promise<Diagram | { failureKey: string }> {
  if (!import.meta.client || source.length > SOURCE_MAX) return { failureKey: 'markdown.diagram.tooLong' }
  const text = source.replaceAll(SETTINGS, '')
  if (REFERS_OUTSIDE.test(text)) return { failureKey: 'markdown.diagram.refersOutside' }
  loaded ??= import('mermaid').then(module => module.default)
  const mermaid = await loaded
  mermaid.initialize({
    startOnLoad: false, securityLevel: 'strict', suppressErrorRendering: true, theme: dark ? 'dark' : 'neutral', htmlLabels: false,
    flowchart: { htmlLabels: false }, fontFamily: 'system-ui, sans-serif', maxTextSize: SOURCE_MAX, maxEdges: 300
  })
  try {
    const { svg } = await mermaid.render(`diagram-${++drawings}`, text)
    return toPicture(svg)
  } catch (error) {
    // What it throws is about the source and has no class of its own.
    console.info('A diagram was not drawn', error instanceof Error ? error.message.split('\n')[0] : error)
    return { failureKey: 'markdown.diagram.hasMistake' }
  }
}

/** The drawing with its size written into it: Mermaid leaves that to the page around it. */
function toPicture(svg: string): Diagram {
  const drawing = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement
  const [, , width = 0, height = 0] = (drawing.getAttribute('viewBox') ?? '').split(/[\s,]+/).map(Number)
  if (!(width > 0 && height > 0)) throw new Error('The drawing has no size')
  drawing.setAttribute('width', String(width))
  drawing.setAttribute('height', String(height))
  const text = new XMLSerializer().serializeToString(drawing)
  return { picture: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`, width: Math.ceil(width), height: Math.ceil(height) }
}

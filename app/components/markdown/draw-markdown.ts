import type { ComarkElement, ComarkNode } from 'comark'
import type { VNodeChild } from 'vue'
import { cloneVNode, h, isVNode } from 'vue'
import type { Translate } from '~/utils/translate'
import MarkdownCode from './MarkdownCode.vue'
import MarkdownDiagram from './MarkdownDiagram.vue'
import MarkdownFormula from './MarkdownFormula.vue'
import MarkdownPicture from './MarkdownPicture.vue'

/**
 * Draws parsed Markdown. Everything not named here loses its element and keeps its text, and no attribute is copied:
 * whatever a model writes, only these elements with these attributes reach the page.
 */
export function drawMarkdown(node: ComarkNode, t: Translate): VNodeChild {
  if (typeof node === 'string') return node
  const [tag] = node
  // A comment.
  if (tag === null) return undefined
  const element: ComarkElement = node
  const draw = elements[tag]
  return draw ? draw(element, t) : drawChildren(element, t)
}

/** The same for a block of a text, which runs as its first letter does: Arabic and Hebrew from the right. What is in it follows. */
export function drawBlock(node: ComarkNode, t: Translate): VNodeChild {
  const drawn = drawMarkdown(node, t)
  return isVNode(drawn) && typeof drawn.type === 'string' ? cloneVNode(drawn, { dir: 'auto' }) : drawn
}

const drawChildren = ([, , ...children]: ComarkElement, t: Translate) => children.map(child => drawMarkdown(child, t))

type Draw = (element: ComarkElement, t: Translate) => VNodeChild

const plain = (tag: string): Draw => (element, t) => h(tag, drawChildren(element, t))
/** The page's own headings stand above: a model's first level is our third. */
const heading = (level: number): Draw => (element, t) => h(`h${Math.min(level + 2, 6)}`, { class: `level-${level}` }, drawChildren(element, t))
const cell = (tag: string): Draw => (element, t) => h(tag, { 'data-align': readAlign(element) }, drawChildren(element, t))

const elements: Partial<Record<string, Draw>> = {
  p: plain('p'), ul: plain('ul'), blockquote: plain('blockquote'),
  strong: plain('strong'), em: plain('em'), del: plain('del'),
  thead: plain('thead'), tbody: plain('tbody'), tr: plain('tr'), th: cell('th'), td: cell('td'),
  h1: heading(1), h2: heading(2), h3: heading(3), h4: heading(4), h5: heading(5), h6: heading(6),
  br: () => h('br'),
  hr: () => h('hr'),
  // Code runs from the left wherever it stands.
  code: element => h('code', { dir: 'ltr' }, readText(element)),
  li: (element, t) => h('li', drawChildren(element, t)),
  ol: (element, t) => h('ol', { start: readStart(element) }, drawChildren(element, t)),
  input: ([, attributes], t) => h('input', { 'type': 'checkbox', 'disabled': true, 'checked': ':checked' in attributes, 'aria-label': ':checked' in attributes ? t('markdown.done') : t('markdown.toDo') }),
  table: (element, t) => h('div', { 'class': 'overflow-x-auto', 'tabindex': 0, 'role': 'region', 'aria-label': t('markdown.table') }, h('table', drawChildren(element, t))),
  pre: element => readLanguage(element) === 'mermaid' ? h(MarkdownDiagram, { source: readText(element) }) : h(MarkdownCode, { code: readText(element), language: readLanguage(element) }),
  math: element => h(MarkdownFormula, { source: readText(element), block: element[1].class === 'math block' }),
  a: drawLink,
  img: ([, { src, alt }]) => {
    const address = readWebAddress(src)
    const name = readName(alt)
    return address && !address.startsWith('mailto:') ? h(MarkdownPicture, { address, alt: name }) : name
  }
}

/** Pictures inside are named only: two links in one another would be neither. */
function drawLink([, { href }, ...children]: ComarkElement, t: Translate): VNodeChild {
  const safe = readWebAddress(href)
  const content = (children as ComarkNode[]).map(child => drawMarkdown(nameImages(child, t), t))
  return safe ? h('a', { href: safe, target: '_blank', rel: 'noopener noreferrer nofollow' }, content) : content
}

function nameImages(node: ComarkNode, t: Translate): ComarkNode {
  if (typeof node === 'string' || node[0] === null) return node
  const [tag, attributes, ...children]: ComarkElement = node
  return tag === 'img' ? t('markdown.image', { name: readName(attributes.alt) }) : [tag, attributes, ...(children as ComarkNode[]).map(child => nameImages(child, t))]
}

const readName = (alt: unknown) => typeof alt === 'string' ? alt : ''

/** Only whole addresses of the web and of mail: no scripts, and no path that would act inside this app. */
function readWebAddress(href: unknown): string | undefined {
  if (typeof href !== 'string' || !URL.canParse(href)) return undefined
  const address = new URL(href)
  return ['http:', 'https:', 'mailto:'].includes(address.protocol) ? address.href : undefined
}

function readText(node: ComarkNode): string {
  if (typeof node === 'string') return node
  const [tag, , ...children] = node
  return tag === null ? '' : (children as ComarkNode[]).map(readText).join('')
}

function readLanguage([, { language }]: ComarkElement): string {
  return typeof language === 'string' ? language : ''
}

function readStart([, { start }]: ComarkElement): number | undefined {
  const first = Number(start)
  return Number.isSafeInteger(first) ? first : undefined
}

function readAlign([, { style }]: ComarkElement): string | undefined {
  return typeof style === 'string' ? /^text-align:(right|center)$/.exec(style)?.[1] : undefined
}

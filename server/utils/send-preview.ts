import type { H3Event } from 'h3'
import { getRequestHeader, setResponseHeaders } from 'h3'
import type { ReadableFile } from '../files/read-file'
import { isImageArtifact } from '../../shared/artifacts'
import { sendFile } from './send-file'

/** What a document may do: draw and compute with what stands in it. It has no origin, no network, no window of its own and no way out of its frame. */
const policy = [
  'default-src \'none\'', 'style-src \'unsafe-inline\'', 'img-src data: blob:', 'font-src data:', 'media-src data: blob:', 'connect-src \'none\'', 'frame-src \'none\'',
  'worker-src \'none\'', 'form-action \'none\'', 'base-uri \'none\'', 'frame-ancestors \'self\''
]

/**
 * Run before the document's own scripts, against what no content policy covers: peer connections, which speak to any address; frames whose document
 * stands in an attribute, which would have them again; hints that make a browser connect ahead. It keeps what it uses, so that
 * nothing the document redefines can stop it, and what it takes away cannot be put back.
 */
const prelude = `<script>(() => {
  const { apply } = Reflect, { defineProperty } = Object, Observer = MutationObserver, { observe } = Observer.prototype
  const { attachShadow, remove } = Element.prototype
  const banned = 'iframe,frame,object,embed,portal,fencedframe,link[rel],meta[http-equiv]'
  const change = { subtree: true, childList: true, attributes: true, characterData: false, attributeOldValue: false, characterDataOldValue: false, attributeFilter: ['rel', 'http-equiv', 'href', 'srcdoc', 'src'] }
  const watch = (root, find) => {
    const sweep = () => { for (let found; found = apply(find, root, [banned]);) apply(remove, found, []) }
    apply(observe, new Observer(sweep), [root, change])
  }
  const take = (owner, name) => name in owner && defineProperty(owner, name, { value: undefined })
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport', 'open']) take(window, name)
  for (const name of ['write', 'writeln', 'open']) take(Document.prototype, name)
  for (const owner of [Element.prototype, ShadowRoot.prototype]) take(owner, 'setHTMLUnsafe')
  take(Document, 'parseHTMLUnsafe')
  const findInShadow = ShadowRoot.prototype.querySelector
  defineProperty(Element.prototype, 'attachShadow', { value(init) {
    const root = apply(attachShadow, this, [init])
    watch(root, findInShadow)
    return root
  } })
  watch(document, Document.prototype.querySelector)
  document.currentScript.remove()
})()</script>`

/** Trees that a parser closes off before any script may look into them. */
const DECLARED_SHADOW = /shadowrootmode/gi

/** Answers with a document that a model made, to be framed by the app alone; to whoever opens it elsewhere, and an image, as a download. */
export async function sendPreview(event: H3Event, document: ReadableFile): Promise<string | Buffer | null> {
  if (getRequestHeader(event, 'sec-fetch-dest') !== 'iframe' || isImageArtifact(document)) return sendFile(event, document)
  const runs = document.mime === 'text/html'
  setResponseHeaders(event, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [...policy, ...runs ? ['script-src \'unsafe-inline\'', 'sandbox allow-scripts'] : ['sandbox']].join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
    // The app's own pages ask it of whatever they frame.
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
    'x-dns-prefetch-control': 'off',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), display-capture=(), clipboard-read=(), clipboard-write=(), fullscreen=()'
  })
  const text = (await document.read()).toString('utf8')
  return runs ? `<!doctype html>${prelude}${text.replace(DECLARED_SHADOW, 'data-$&')}` : `<!doctype html><style>body{margin:0;display:grid;place-items:center;min-height:100vh}svg{max-width:100%;max-height:100vh}</style>${text}`
}

/** A document that tries every way out of its frame it knows, to a port of this machine that counts who comes; it draws on when it is done. */
export function hostileDocument(port: number): string {
  const http = `http://127.0.0.1:${port}`
  const peer = `<script>const p = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${port}' }] }); p.createDataChannel('x'); p.setLocalDescription()</script>`
  const tries = [
    `fetch('${http}/fetch').catch(() => 0)`,
    `new XMLHttpRequest().open('GET', '${http}/xhr')`,
    `(x => { x.open('GET', '${http}/xhr'); x.send() })(new XMLHttpRequest())`,
    `navigator.sendBeacon('${http}/beacon', 'x')`,
    `new WebSocket('ws://127.0.0.1:${port}/socket')`,
    `new EventSource('${http}/events')`,
    `new Image().src = '${http}/image'`,
    `new Audio('${http}/audio').play().catch(() => 0)`,
    `import('${http}/module').catch(() => 0)`,
    `new Worker('${http}/worker')`,
    `new Worker(URL.createObjectURL(new Blob(['fetch("${http}/blob-worker")'])))`,
    `open('${http}/open')`,
    `parent.open('${http}/parent-open')`,
    `top.location = '${http}/top'`,
    `(p => { p.createDataChannel('x'); p.createOffer().then(o => p.setLocalDescription(o)) })(new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${port}' }] }))`,
    `(f => { document.body.append(f); const P = f.contentWindow.RTCPeerConnection; const p = new P({ iceServers: [{ urls: 'stun:127.0.0.1:${port}' }] }); p.createDataChannel('x'); p.createOffer().then(o => p.setLocalDescription(o)) })(document.createElement('iframe'))`,
    `(f => { document.body.append(f); const p = new f.contentWindow.RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${port}' }] }); p.createDataChannel('x'); p.setLocalDescription(); for (const end = Date.now() + 1500; Date.now() < end;); })(document.createElement('iframe'))`,
    `(d => { document.body.append(d); d.innerHTML = '<iframe></iframe>'; const p = new frames[frames.length - 1].RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${port}' }] }); p.createDataChannel('x'); p.setLocalDescription(); for (const end = Date.now() + 1500; Date.now() < end;); })(document.createElement('div'))`,
    ...[
      `document.body.append(f(document.createElement('iframe')))`,
      `document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'closed' }).append(f(document.createElement('iframe')))`,
      `Element.prototype.remove = Node.prototype.removeChild = () => {}; Object.defineProperty(MutationRecord.prototype, 'addedNodes', { get: () => [] }); Document.prototype.querySelector = () => null; document.body.append(f(document.createElement('iframe')))`,
      `document.body.appendChild(document.createElement('div')).setHTMLUnsafe('<div><template shadowrootmode=closed>' + f(document.createElement('iframe')).outerHTML + '</template></div>')`,
      `document.write('<div><template shadowrootmode=closed>' + f(document.createElement('iframe')).outerHTML + '</template></div>')`
    ].map(way => `(() => { const f = frame => { frame.srcdoc = ${JSON.stringify(peer)}; return frame }; ${way} })()`),
    `(f => { f.src = '${http}/frame'; document.body.append(f) })(document.createElement('iframe'))`,
    `(f => { f.srcdoc = '<img src=${http}/srcdoc>'; document.body.append(f) })(document.createElement('iframe'))`,
    ...['preconnect', 'dns-prefetch', 'prefetch', 'preload', 'modulepreload', 'prerender', 'stylesheet', 'icon', 'manifest'].map(rel =>
      `(l => { l.rel = '${rel}'; l.as = 'image'; l.href = '${http}/link-${rel}'; document.head.append(l) })(document.createElement('link'))`),
    `document.body.insertAdjacentHTML('beforeend', '<link rel=preconnect href=${http}/late><object data=${http}/object></object><embed src=${http}/embed><video poster=${http}/poster></video><svg><image href=${http}/svg /></svg>')`,
    `(f => { f.action = '${http}/form'; f.method = 'post'; document.body.append(f); f.submit() })(document.createElement('form'))`,
    `(a => { a.href = '${http}/ping'; a.ping = '${http}/ping'; a.target = '_blank'; document.body.append(a); a.click() })(document.createElement('a'))`,
    `localStorage.setItem('x', '1')`,
    `parent.document.title = 'taken'`,
    `document.cookie = 'x=1'`
  ]
  return `<!doctype html><html><head>
<link rel="preconnect" href="${http}/static-preconnect"><link rel="stylesheet" href="${http}/static-style"><script src="${http}/static-script"></script>
<style>@import url(${http}/import); @font-face { font-family: x; src: url(${http}/font) } body { font-family: x; background: url(${http}/background) }</style>
</head><body><p id="state">Begun</p><div><template shadowrootmode="closed"><iframe srcdoc="${peer.replaceAll('"', '&quot;')}"></iframe></template></div><img src="${http}/static-image"><iframe src="${http}/static-frame"></iframe>
<script>
${tries.map(attempt => `try { ${attempt.replaceAll('</', '<\\/')} } catch {}`).join('\n')}
document.getElementById('state').textContent = 'Tried everything'
</script></body></html>`
}

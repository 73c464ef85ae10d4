import type { HighlighterCore, LanguageInput } from 'shiki/core'

/** A piece of a line and its colours, one for each theme, as CSS variables. */
export interface CodeToken { content: string, style: Record<string, string> | undefined }

// Each is fetched when the first block in it appears.
const languages: Record<string, () => LanguageInput> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  cpp: () => import('shiki/langs/cpp.mjs'),
  csharp: () => import('shiki/langs/csharp.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  docker: () => import('shiki/langs/docker.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  kotlin: () => import('shiki/langs/kotlin.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  php: () => import('shiki/langs/php.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  ruby: () => import('shiki/langs/ruby.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  swift: () => import('shiki/langs/swift.mjs'),
  toml: () => import('shiki/langs/toml.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  vue: () => import('shiki/langs/vue.mjs'),
  xml: () => import('shiki/langs/xml.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs')
}

const aliases: Record<string, string> = {
  'c++': 'cpp', 'cs': 'csharp', 'dockerfile': 'docker', 'js': 'javascript', 'jsx': 'tsx', 'kt': 'kotlin', 'md': 'markdown', 'py': 'python',
  'rb': 'ruby', 'rs': 'rust', 'sh': 'bash', 'shell': 'bash', 'console': 'bash', 'ts': 'typescript', 'yml': 'yaml', 'zsh': 'bash'
}

/** Longer blocks stay plain: colouring them would hold up the page. */
const MAX_LENGTH = 60_000

let highlighter: Promise<HighlighterCore> | undefined

async function createHighlighter(): Promise<HighlighterCore> {
  const [{ createHighlighterCore }, { createJavaScriptRegexEngine }] = await Promise.all([import('shiki/core'), import('shiki/engine/javascript')])
  return createHighlighterCore({
    themes: [import('shiki/themes/github-light-high-contrast.mjs'), import('shiki/themes/github-dark-default.mjs')],
    engine: createJavaScriptRegexEngine({ forgiving: true })
  })
}

/** The lines of `code`, coloured; undefined when its language is unknown or it is very long. */
export async function highlightCode(code: string, language: string): Promise<CodeToken[][] | undefined> {
  const name = aliases[language.toLowerCase()] ?? language.toLowerCase()
  const load = languages[name]
  if (!load || code.length > MAX_LENGTH) return undefined
  highlighter ??= createHighlighter()
  const ready = await highlighter
  await ready.loadLanguage(load())
  const { tokens } = ready.codeToTokens(code, {
    lang: name,
    themes: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
    defaultColor: false
  })
  return tokens.map(line => line.map(({ content, htmlStyle }) => ({ content, style: htmlStyle })))
}

import { fileURLToPath } from 'node:url'

/** One import of a package's file, and the module of ours that takes its place. */
interface Replacement {
  importer: string
  source: string
  by: string
  /** In what the browser loads only: the server has the whole package at hand. */
  inBrowser?: true
}

const unused = 'app/utils/unused.ts'
const decodeEntities = 'app/components/markdown/decode-entities.ts'

/** What packages import and Loom never uses, or only later: it would be in the first load of every chat. */
const replacements: Replacement[] = [
  // The sidebar over the page, where there is no room beside it.
  { importer: '@nuxt/ui/dist/runtime/components/DashboardSidebar.vue', source: './Slideover.vue', by: 'app/components/app/AppSidebarSheet.vue' },
  { importer: '@nuxt/ui/dist/runtime/components/DashboardSidebar.vue', source: './Modal.vue', by: unused },
  { importer: '@nuxt/ui/dist/runtime/components/DashboardSidebar.vue', source: './Drawer.vue', by: unused },
  { importer: '@nuxt/ui/dist/runtime/components/DashboardSearchButton.vue', source: './Tooltip.vue', by: unused },
  // Text of a model is never read as YAML or HTML (`parse-markdown.ts`).
  { importer: 'comark/dist/internal/yaml.js', source: 'js-yaml', by: unused, inBrowser: true },
  { importer: 'comark/dist/internal/parse/html/index.js', source: 'htmlparser2', by: unused, inBrowser: true },
  // Every browser has the table of names that this brings.
  { importer: 'comark/dist/utils/index.js', source: 'entities', by: decodeEntities, inBrowser: true },
  { importer: 'markdown-exit/dist/index.js', source: 'entities', by: decodeEntities, inBrowser: true },
  // Colours of code are drawn by Vue.
  { importer: '@shikijs/core/dist/index.mjs', source: 'hast-util-to-html', by: unused, inBrowser: true }
]

/** Plugin of Vite: resolves the imports above to modules of ours. */
export const replaceImports = {
  name: 'loom:replace-imports',
  enforce: 'pre' as const,
  resolveId(source: string, importer: string | undefined, { ssr }: { ssr?: boolean | undefined }): string | undefined {
    const file = importer?.split('?')[0]
    const found = replacements.find(replacement => replacement.source === source && !(replacement.inBrowser && ssr) && file?.endsWith(`/node_modules/${replacement.importer}`))
    return found && fileURLToPath(new URL(`../${found.by}`, import.meta.url))
  }
}

import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { collectTools } from './scripts/collect-tools.mjs'
import { replaceImports } from './scripts/replace-imports'

interface Built { options: { rootDir: string, output: { serverDir: string } } }

const nitro = {
  // Server code imports what it uses, so that tests run it as it stands.
  imports: { autoImport: false },
  compressPublicAssets: true,
  // The Node that runs Loom, so that nothing is rewritten for older ones.
  esbuild: { options: { target: 'node24' } },
  serverAssets: [{ baseName: 'migrations', dir: '../drizzle' }],
  externals: { traceInclude: ['node_modules/@electric-sql/pglite/dist/index.js', 'node_modules/mathjs/lib/esm/index.js'] },
  rollupConfig: { plugins: [collectTools(join(import.meta.dirname, 'server/chat/tools'))] },
  hooks: {
    // The app parses every reply with its zod contract; the types Nitro derives from all routes at once exceed TypeScript's depth.
    'types:extend': (types: { routes: Record<string, unknown> }) => {
      types.routes = {}
    },
    // Threads are files of their own, which the server looks for beside its entry.
    'compiled': async ({ options }: Built) => {
      for (const file of ['db/embedded-worker.mjs', 'server/chat/tools/calculate-worker.mjs']) await copyFile(join(options.rootDir, file), join(options.output.serverDir, basename(file)))
    }
  }
}

/** The frame around a page, and what most pages are made of. */
const mostPages = /\/app\/(layouts\/default|components\/(app\/App(Header|NotFound)|common\/(CopyButton|FormActions|ListState|UsdAmount))|composables\/use(Models|Project|MayWrite)|utils\/format-(money|number))\.(vue|ts)/

export default defineNuxtConfig({
  modules: ['@nuxt/ui', '@nuxt/eslint', '@vueuse/nuxt', '@nuxtjs/i18n', 'nuxt-security'],
  // Ours are imported by name; only Vue's and Nuxt's own helpers come by themselves.
  imports: { scan: false },
  devtools: { enabled: false },
  css: ['~/assets/main.css'],
  colorMode: { preference: 'dark', fallback: 'dark' },
  ui: { fonts: false },
  // A page comes when somebody points at its link. In sight is no need: the sidebar links to most of them, and each would load and run with the first.
  experimental: { defaults: { nuxtLink: { prefetchOn: { visibility: false, interaction: true } } } },
  compatibilityDate: '2026-11-01',
  nitro,
  vite: {
    plugins: [replaceImports],
    $client: {
      build: {
        rolldownOptions: {
          output: {
            codeSplitting: {
              // A file each for what every page needs, what most have once somebody is signed in, an empty chat and a thread, with all they import: they would
              // be split into dozens of a few hundred bytes by what else needs them.
              groups: [
                { name: 'app', tags: ['$initial'], priority: 4 },
                { name: 'frame', test: mostPages, priority: 3 },
                { name: 'chat', test: /\/app\/components\/conversation\/ConversationNew\.vue/, priority: 2 },
                { name: 'thread', test: /\/app\/components\/chat\/ChatThread\.vue/, priority: 1 }
              ]
            }
          }
        }
      }
    }
  },
  typescript: { strict: true },
  telemetry: false,
  eslint: { config: { stylistic: { commaDangle: 'never', braceStyle: '1tbs' } } },
  i18n: {
    strategy: 'no_prefix',
    detectBrowserLanguage: false,
    // The module fetches the texts of the locales listed here as the page comes alive; ours are in the bundle (app/plugins/texts.ts).
    locales: [],
    restructureDir: 'app/locales'
  },
  icon: { provider: 'none', fallbackToApi: false, serverBundle: { collections: ['lucide'] }, clientBundle: { scan: true } },
  // Headers and CSP only: its other guards read bodies before the handlers can bound them, and count callers by a header anyone can set.
  security: {
    headers: {
      // Loom also runs over plain HTTP, in a local network; whoever ends TLS before it decides about HTTPS.
      strictTransportSecurity: false,
      xFrameOptions: 'DENY',
      contentSecurityPolicy: {
        'upgrade-insecure-requests': false,
        'default-src': ['\'self\''],
        'script-src': ['\'nonce-{{nonce}}\'', '\'strict-dynamic\''],
        'script-src-attr': ['\'none\''],
        // Menus and dialogs of the component library make style elements as they open.
        'style-src': ['\'self\'', '\'unsafe-inline\''],
        'connect-src': ['\'self\''],
        'font-src': ['\'self\'', 'data:'],
        'img-src': ['\'self\'', 'data:'],
        'object-src': ['\'none\''],
        'base-uri': ['\'none\''],
        'form-action': ['\'self\''],
        'frame-ancestors': ['\'none\'']
      }
    },
    rateLimiter: false, requestSizeLimiter: false, xssValidator: false, corsHandler: false, allowedMethodsRestricter: false
  }
})

import vueI18n from '@intlify/eslint-plugin-vue-i18n'
import unicorn from 'eslint-plugin-unicorn'
import withNuxt from './.nuxt/eslint.config.mjs'

/** The arrows of the house: `app → shared ← server → db`, and `db → shared`. What each part may not import. */
const forbidden = {
  app: ['server', 'db'],
  server: ['app'],
  shared: ['app', 'server', 'db'],
  db: ['app', 'server']
}

/** `~` and `@` alone are app/. */
const INTO_APP = '^[~@]/(?!\\.\\./)'

/** A cast through unknown (or any) is a lie the compiler cannot see. */
const castThroughUnknown = {
  selector: 'TSAsExpression > TSAsExpression > :matches(TSUnknownKeyword, TSAnyKeyword)',
  message: 'Parse it, or give it a type that is true, instead of casting through unknown.'
}

/** To build a schema takes longer than to parse by it, and what it leaves behind outlives the call. */
const schemaBuiltToParse = {
  selector: 'CallExpression[callee.property.name=/^(safeP|p)arse(Async)?$/] > MemberExpression CallExpression[callee.object.name="z"]',
  message: 'Build the schema once, at the top of the file.'
}

export default withNuxt(
  {
    name: 'loom/types',
    files: ['**/*.ts', '**/*.vue', '**/*.mjs'],
    rules: {
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-ignore': true, 'ts-expect-error': 'allow-with-description', 'ts-nocheck': true }],
      'no-restricted-syntax': ['error', castThroughUnknown]
    }
  },
  ...Object.entries(forbidden).map(([part, others]) => {
    // Up out of this part, or by an alias of the root, into another one.
    const regex = `^(([~@]/)?(\\./)*(\\.\\./)+|(~~|@@)/|#)(${others.join('|')})(/|$)${others.includes('app') ? `|${INTO_APP}` : ''}`
    const message = `Imports go one way: app → shared ← server → db. ${part}/ imports neither of: ${others.join(', ')}.`
    return {
      name: `loom/arrows-of-${part}`,
      files: [`${part}/**`],
      ignores: ['shared/zod.ts'],
      rules: {
        'no-restricted-imports': ['error', {
          patterns: [{ regex, message }, ...part === 'shared' ? [{ regex: '^zod$', message: 'Import it from shared/zod.ts, which makes contracts speak plainly.' }] : []]
        }],
        // That rule does not look at `import('…')`, of a value or of a type.
        'no-restricted-syntax': ['error', castThroughUnknown, { selector: `:matches(ImportExpression > Literal, TSImportType Literal)[value=/${regex.replaceAll('/', '\\x2F')}/]`, message }, ...part === 'server' ? [schemaBuiltToParse] : []]
      }
    }
  }),
  {
    name: 'loom/file-names',
    files: ['{server,shared,db,scripts,tests,bench}/**/*.{ts,mjs}'],
    plugins: { unicorn },
    rules: {
      // [id].get.ts and [...path].ts are Nitro's routes.
      'unicorn/filename-case': ['error', { case: 'kebabCase', ignore: [/^\[/] }]
    }
  },
  {
    name: 'loom/playwright',
    files: ['tests/e2e/**/*.ts'],
    rules: {
      // Playwright reads a fixture's needs from this pattern, and insists on one where there are none.
      'no-empty-pattern': ['error', { allowObjectPatternsAsParameters: true }]
    }
  },
  {
    name: 'loom/vue',
    files: ['app/**/*.vue'],
    rules: {
      // Pages and layouts are named by their routes.
      'vue/multi-word-component-names': 'off',
      // Vue 3 renders fragments, and what fits on a line may stand on it.
      'vue/no-multiple-template-root': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off'
    }
  },
  {
    name: 'loom/texts',
    files: ['app/**/*.vue'],
    plugins: { '@intlify/vue-i18n': vueI18n },
    rules: {
      // What people read stands in app/locales/.
      '@intlify/vue-i18n/no-raw-text': ['error', {
        attributes: { '/.+/': ['label', 'title', 'placeholder', 'description', 'help', 'hint', 'alt', 'aria-label', 'aria-description', 'text'] },
        // Signs, addresses, and names that are the same in every language.
        ignorePattern: '^([^A-Za-z]*|(/|https:).*)$',
        ignoreText: ['Loom', 'USD', 'CSV', 'JSON', 'JSONL', 'SMTP_URL', 'example.com']
      }]
    }
  }
)

import { join } from 'node:path'
import { ESLint } from 'eslint'
import { expect, test } from 'vitest'

const eslint = new ESLint({ cwd: join(import.meta.dirname, '../..') })

/** Whether the linter refuses the import for its direction, in a file there is none of. */
async function isRefused(file: string, code: string): Promise<boolean> {
  const [result] = await eslint.lintText(code, { filePath: file })
  return result?.messages.some(({ message }) => message.includes('Imports go one way')) === true
}

const refused: [file: string, imported: string][] = [
  ['app/utils/x.ts', '../../server/config'],
  ['app/utils/x.ts', '~~/server/config'],
  ['app/utils/x.ts', '#server/config'],
  ['app/utils/x.ts', '@@/db/client'],
  ['app/utils/x.ts', '~/../db/client'],
  ['app/pages/x.vue', '../../db/client'],
  ['server/gateway/x.ts', '../../app/utils/format-money'],
  ['server/gateway/x.ts', '~/utils/format-money'],
  ['server/gateway/x.ts', '~~/app/utils/format-money'],
  ['shared/x.ts', '../app/utils/format-money'],
  ['shared/x.ts', '../server/config'],
  ['shared/x.ts', './../db/client'],
  ['db/x.ts', '../server/config'],
  ['db/schema/x.ts', '../../app/utils/format-money']
]

const allowed: [file: string, imported: string][] = [
  ['app/utils/x.ts', '../../shared/money'],
  ['app/utils/x.ts', '~/utils/format-money'],
  ['server/gateway/x.ts', '../../shared/money'],
  ['server/gateway/x.ts', '../../db/client'],
  ['server/gateway/x.ts', '../server-events'],
  ['shared/x.ts', './money'],
  ['db/x.ts', '../shared/money'],
  ['tests/unit/x.test.ts', '../../server/config']
]

const forms: [name: string, write: (imported: string) => string][] = [
  ['import', imported => `import { x } from '${imported}'\n`],
  ['import type', imported => `import type { X } from '${imported}'\n`],
  ['export from', imported => `export { x } from '${imported}'\n`],
  ['import()', imported => `export const x = await import('${imported}')\n`],
  ['type import()', imported => `export type X = import('${imported}').X\n`]
]

test.each(forms)('the linter keeps the arrows app → shared ← server → db: %s', { timeout: 60_000 }, async (_, write) => {
  const inFile = (file: string, imported: string) => file.endsWith('.vue') ? `<script setup lang="ts">\n${write(imported)}</script>\n` : write(imported)
  for (const [file, imported] of refused) expect({ file, imported, refused: await isRefused(file, inFile(file, imported)) }).toEqual({ file, imported, refused: true })
  for (const [file, imported] of allowed) expect({ file, imported, refused: await isRefused(file, inFile(file, imported)) }).toEqual({ file, imported, refused: false })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configNames, readConfig } from '../../../server/config'

const read = (path: string) => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')
const rows = [...read('docs/configuration.md').matchAll(/^\| `([A-Z0-9_]+)` \| (?:`(.*?)`)? ?\|/gm)].map(([, name = '', value = '']) => ({ name, value }))

test('docs/configuration.md explains every variable the server reads, and no other', () => {
  expect(rows.map(({ name }) => name).toSorted()).toEqual(configNames.toSorted())
})

test('docs/configuration.md tells the defaults the server has', () => {
  const defaults: Record<string, unknown> = readConfig({})
  expect(rows).toEqual(rows.map(({ name }) => ({ name, value: String(defaults[name] ?? '') })))
})

test('.env.example has a line for every variable that is read from it, and none of them set', () => {
  const lines = [...read('.env.example').matchAll(/^(#? ?)([A-Z0-9_]+)=/gm)]
  expect(lines.map(([, , name = '']) => name).toSorted()).toEqual(configNames.filter(name => name !== 'NODE_ENV').toSorted())
  expect(lines.every(([, comment]) => comment === '# ')).toBe(true)
})

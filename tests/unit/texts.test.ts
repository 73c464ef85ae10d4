import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { en } from '../../app/locales/en'
import { enAdmin } from '../../app/locales/en/admin'
import { deliveryStatuses } from '../../shared/alerts'
import { analyticsWindows } from '../../shared/analytics'
import { transactionStatuses, transactionTypes, walletModes } from '../../shared/billing'
import { connectionStatuses, modelModes } from '../../shared/catalog'
import { ApiKey } from '../../shared/keys'
import { PlatformOrg } from '../../shared/platform'
import { memberRoles } from '../../shared/roles'
import { t } from '../support/translate'

const app = join(import.meta.dirname, '../../app')
const sources = readdirSync(app, { recursive: true, encoding: 'utf8' })
  .filter(path => /\.(vue|ts)$/.test(path) && !path.startsWith('locales'))
  .map(path => ({ path, code: readFileSync(join(app, path), 'utf8') }))

interface Texts { [name: string]: string | Texts }
const keysOf = (texts: Texts, prefix = ''): string[] =>
  Object.entries(texts).flatMap(([name, text]) => typeof text === 'string' ? [prefix + name] : keysOf(text, `${prefix}${name}.`))
const all = { ...en, ...enAdmin }
const keys = keysOf(all)
const areas = Object.keys(all)

/** Every text a file names: `'chat.composer.send'`, `keypath="…"`, and by its beginning `` `alert.kinds.${kind}` ``. */
const name = String.raw`(?:${areas.join('|')})(?:\.\w+)*\.`
const patterns = [new RegExp(`'(${name}\\w+)'`, 'g'), new RegExp(`keypath="(${name}\\w+)"`, 'g'), new RegExp(`\`(${name}\\$\\{)`, 'g')]
/** The name of an endpoint. */
const noText = 'chat.completions'
const named = sources.flatMap(({ path, code }) => patterns.flatMap(pattern => [...code.matchAll(pattern)].map(([, name = '']) => ({ path, name })))).filter(({ name }) => name !== noText)

describe('texts of the app', () => {
  test('each that a file names exists', () => {
    const missing = named.filter(({ name }) => name.endsWith('${') ? !keys.some(key => key.startsWith(name.slice(0, -2))) : !keys.includes(name))
    expect(missing).toEqual([])
  })

  test('each is named by a file', () => {
    const whole = new Set(named.map(({ name }) => name))
    const beginnings = [...whole].filter(name => name.endsWith('${')).map(name => name.slice(0, -2))
    expect(keys.filter(key => !whole.has(key) && !beginnings.some(beginning => key.startsWith(beginning)))).toEqual([])
  })

  test.each([
    ['alert.deliveryStatuses', deliveryStatuses], ['common.roles', memberRoles], ['connection.statuses', connectionStatuses], ['key.statuses', ApiKey.shape.status.options],
    ['model.modes', modelModes], ['overview.windows', analyticsWindows], ['platform.orgStates', PlatformOrg.shape.state.options], ['platform.walletModes', walletModes],
    ['wallet.statuses', transactionStatuses], ['wallet.types', transactionTypes]
  ])('%s has one for each value that can be', (group, values) => {
    expect(keys.filter(key => key.startsWith(`${group}.`)).map(key => key.slice(group.length + 1))).toEqual([...values].sort())
  })

  test('those of the dashboard are named by nothing outside of it', () => {
    const outside = /^(?:app|error)\.vue$|^(?:layouts|middleware|plugins)\/|^pages\/(?!dashboard|reference)|^components\/(?:app|artifact|auth|chat|common|conversation|markdown|policy|project)\//
    expect(named.filter(({ path, name }) => outside.test(path) && (name.split('.')[0] ?? '') in enAdmin)).toEqual([])
  })

  test('each area stands in the order of its names', () => {
    const unsorted = areas.filter((area) => {
      const own = keys.filter(key => key.startsWith(`${area}.`)).map(key => key.split('.'))
      return own.some((key, index) => index > 0 && compare(own[index - 1] ?? [], key) > 0)
    })
    expect(unsorted).toEqual([])
  })

  test('each can be read by the interpreter of messages', () => {
    for (const key of keys) expect(t(key), key).not.toBe(key)
  })
})

function compare(one: string[], other: string[]): number {
  const at = one.findIndex((name, index) => name !== other[index])
  const [left = '', right = ''] = [one[at], other[at]]
  return left < right ? -1 : left > right ? 1 : 0
}

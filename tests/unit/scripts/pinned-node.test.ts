import { expect, test } from 'vitest'
import { nodeFault } from '../../../scripts/pinned-node.mjs'

const linux = { version: 'v20.0.0', platform: 'linux', arch: 'x64', hasGlibc: true }

test('an older Node will do where the lockfile pins one that starts', () => {
  for (const version of ['v20.0.0', 'v20.18.3', 'v21.7.3', 'v22.11.0', 'v23.0.0']) expect(nodeFault({ ...linux, version })).toBeUndefined()
  expect(nodeFault({ ...linux, arch: 'arm64' })).toBeUndefined()
})

test('one that the scripts do not run on is refused, in words that say which will do', () => {
  expect(nodeFault({ ...linux, version: 'v18.20.0' })).toMatch(/^Node 20 or newer is needed, and this is v18\.20\.0\./)
})

test('elsewhere an older Node is refused, and a recent one will do', () => {
  for (const elsewhere of [{ platform: 'darwin', arch: 'arm64', hasGlibc: false }, { platform: 'win32', hasGlibc: false }, { hasGlibc: false }, { arch: 's390x' }]) {
    expect(nodeFault({ ...linux, ...elsewhere, version: 'v22.21.1' })).toMatch(/^Node 24 or newer is needed, and this is v22\.21\.1\. .* install one from https:\/\/nodejs\.org\.$/)
    expect(nodeFault({ ...linux, ...elsewhere, version: 'v24.0.0' })).toBeUndefined()
  }
})

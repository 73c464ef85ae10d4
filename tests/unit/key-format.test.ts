import { expect, test } from 'vitest'
import { generateKey, hashKey, isWellFormedKey, shownPrefix } from '../../server/keys/key-format'

test('every new key is well formed and unlike any other', () => {
  const keys = Array.from({ length: 500 }, generateKey)
  expect(keys.every(isWellFormedKey)).toBe(true)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys[0]).toMatch(/^loom_sk_[0-9A-Za-z]{46}$/)
})

test('one wrong, swapped, missing or added character is told from an unknown key', () => {
  const key = generateKey()
  for (let index = 0; index < key.length; index++) {
    const wrong = key[index] === 'x' ? 'y' : 'x'
    expect(isWellFormedKey(key.slice(0, index) + wrong + key.slice(index + 1))).toBe(false)
    expect(isWellFormedKey(key.slice(0, index) + key.slice(index + 1))).toBe(false)
  }
  expect(isWellFormedKey(`${key}a`)).toBe(false)
  expect(isWellFormedKey(`${key}\n`)).toBe(false)
  expect(isWellFormedKey('')).toBe(false)
  expect(isWellFormedKey('sk-proj-something')).toBe(false)
})

test('the hash is SHA-256 in hex, and what is shown gives 6 random characters away', () => {
  expect(hashKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(shownPrefix('loom_sk_0123456789')).toBe('loom_sk_012345')
})

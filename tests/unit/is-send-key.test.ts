import { afterEach, describe, expect, test, vi } from 'vitest'
import { isSendKey } from '../../app/utils/is-send-key'

const ENTER = { isComposing: false, keyCode: 13, shiftKey: false, ctrlKey: false, metaKey: false }
const pointAs = (pointer: 'fine' | 'coarse') => vi.stubGlobal('matchMedia', (query: string) => ({ matches: query === `(pointer: ${pointer})` }))

afterEach(() => vi.unstubAllGlobals())

describe('Enter', () => {
  test('sends', () => {
    pointAs('fine')
    expect(isSendKey(ENTER)).toBe(true)
  })

  test('with Shift makes a new line', () => {
    pointAs('fine')
    expect(isSendKey({ ...ENTER, shiftKey: true })).toBe(false)
  })

  test('takes the word an input method offers, in the order of every browser', () => {
    pointAs('fine')
    expect(isSendKey({ ...ENTER, isComposing: true, keyCode: 229 })).toBe(false)
    // Safari: the composition is over before its key comes.
    expect(isSendKey({ ...ENTER, keyCode: 229 })).toBe(false)
  })

  test('makes a new line where fingers type, and sends from a keyboard beside them with Ctrl or Cmd', () => {
    pointAs('coarse')
    expect(isSendKey(ENTER)).toBe(false)
    expect(isSendKey({ ...ENTER, ctrlKey: true })).toBe(true)
    expect(isSendKey({ ...ENTER, metaKey: true })).toBe(true)
    expect(isSendKey({ ...ENTER, metaKey: true, keyCode: 229 })).toBe(false)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormParser } from '../../../server/gateway/form-parser'

const type = 'multipart/form-data; boundary="x y"'
const binary = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x2d, 0x2d, 0x78, 0x0d, 0x0a])
const body = Buffer.concat([
  Buffer.from('--x y\r\nContent-Disposition: form-data; name="file"; filename="na\\"me=.wav"\r\nContent-Type: audio/wav\r\n\r\n'), binary,
  Buffer.from('\r\n--x y\r\ncontent-disposition: form-data; name=model\r\n\r\nold\r\n--x y\r\ncontent-disposition: form-data; name="empty"\r\n\r\n\r\n--x y--\r\nepilogue')
])

function parse(bytes: Buffer, contentType: string | undefined = type, size = bytes.length): FormParser {
  const form = new FormParser(contentType)
  for (let at = 0; at < bytes.length; at += size) form.push(bytes.subarray(at, at + size))
  form.end()
  return form
}

test('finds fields and files where they lie, whatever bytes a file has and however it comes', () => {
  const whole = parse(body)
  expect(whole.parts.map(({ name, fileName, contentType }) => [name, fileName, contentType])).toEqual([
    ['file', 'na\\"me=.wav', 'audio/wav'], ['model', undefined, undefined], ['empty', undefined, undefined]
  ])
  expect(whole.parts.map(({ start, end }) => body.subarray(start, end).toString('latin1'))).toEqual([binary.toString('latin1'), 'old', ''])
  expect(whole.parts.map(({ from }) => body.subarray(from, from + 5).toString())).toEqual(['--x y', '--x y', '--x y'])
  expect([whole.fieldText('model'), whole.fieldText('empty'), whole.fieldText('file'), whole.fieldText('none')]).toEqual(['old', '', undefined, undefined])
  for (let size = 1; size < body.length; size++) expect(parse(body, type, size).parts).toEqual(whole.parts)
})

test('knows the fields before a file while that is still coming', () => {
  const form = new FormParser('multipart/form-data; boundary=b')
  form.push(Buffer.from('--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nsou'))
  expect(form.fieldText('model')).toBe('whisper-1')
  expect(form.parts).toMatchObject([{ name: 'model' }, { name: 'file', fileName: 'a', end: Infinity }])
  expect(form.complete).toBe(false)
})

test('understands any form of fields and files, cut anywhere', () => {
  const part = fc.record({ fileName: fc.option(fc.stringMatching(/^[a-z.]{0,8}$/), { nil: undefined }), bytes: fc.uint8Array({ maxLength: 300 }) })
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (parts, size) => {
    const written = parts.map(({ fileName, bytes }, index) => Buffer.concat([
      Buffer.from(`--b0undary\r\ncontent-disposition: form-data; name="f${index}"${fileName === undefined ? '' : `; filename="${fileName}"`}\r\n\r\n`), bytes, Buffer.from('\r\n')
    ]))
    const form = Buffer.concat([...written, Buffer.from('--b0undary--\r\n')])
    const parsed = parse(form, 'multipart/form-data; boundary=b0undary', size)
    expect(parsed.parts.map(({ fileName, start, end }) => ({ fileName, bytes: new Uint8Array(form.subarray(start, end)) }))).toEqual(parts.map(({ fileName, bytes }) => ({ fileName, bytes })))
  }), { seed: 20_261_121, numRuns: 200 })
})

describe('refuses', () => {
  test('a form cut off anywhere', () => {
    for (let length = 0; length < body.length - 12; length++) expect(() => parse(body.subarray(0, length))).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test.each([
    ['no content type', ''],
    ['another content type', 'application/json; boundary=x'],
    ['no boundary', 'multipart/form-data; charset=utf-8'],
    ['an empty boundary', 'multipart/form-data; boundary='],
    ['a boundary that is too long', `multipart/form-data; boundary=${'x'.repeat(71)}`]
  ])('%s', (_, contentType) => {
    expect(() => parse(body, contentType)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'Content-Type' }))
  })

  test.each([
    ['a field twice', ['name="model"', 'name="model"']],
    ['a part with two names', ['name="a"; name="b"']],
    ['a name in another encoding', ['name="a"; name*=utf-8\'\'model']],
    ['a part without a name', ['filename="a"']],
    ['a field larger than any setting', ['name="model"', 'name="big"'], 'x'.repeat(70_000)]
  ])('%s', (_, heads, value = 'x') => {
    const form = `${heads.map(head => `--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n${value}\r\n`).join('')}--b--`
    expect(() => parse(Buffer.from(form), 'multipart/form-data; boundary=b')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test('headers without an end, as soon as they are too long', () => {
    const form = new FormParser('multipart/form-data; boundary=b')
    expect(() => form.push(Buffer.from(`--b\r\n${'x'.repeat(5_000)}`))).toThrow('proper headers')
  })
})

test('a list may repeat its name', () => {
  const form = parse(Buffer.from('--b\r\ncontent-disposition: form-data; name="include[]"\r\n\r\na\r\n--b\r\ncontent-disposition: form-data; name="include[]"\r\n\r\nb\r\n--b--'), 'multipart/form-data; boundary=b')
  expect(form.parts.map(({ text }) => text)).toEqual(['a', 'b'])
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormParser } from '../../../server/gateway/form-parser'

const type = 'multipart/form-data; boundary="x y"'
const binary = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x2d, 0x2d, 0x78, 0x0d, 0x0a])
const body = Buffer.concat([
  Buffer.from('--x y\r\nContent-Disposition: form-data; name="file"; filename="na\\"me=.wav"\r\nContent-Type: audio/wav\r\n\r\n'), binary,
  Buffer.from('\r\n--x y\r\ncontent-disposition: form-data; name=model\r\n\r\nold\r\n--x y\r\ncontent-disposition: form-data; name="empty"\r\n\r\n\r\n--x y--\r\n')
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
    for (let length = 0; length < body.length - 4; length++) expect(() => parse(body.subarray(0, length))).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test.each([
    ['no content type', ''],
    ['another content type', 'application/json; boundary=x'],
    ['no boundary', 'multipart/form-data; charset=utf-8'],
    ['an empty boundary', 'multipart/form-data; boundary='],
    ['a boundary that is too long', `multipart/form-data; boundary=${'x'.repeat(71)}`],
    ['two boundaries', 'multipart/form-data; boundary="x y"; boundary=b'],
    ['two boundaries, however they are written', 'multipart/form-data; Boundary=b; boundary="x y"'],
    ['a boundary that stands in quotes of another parameter', 'multipart/form-data; x="; boundary=a; "; y=b'],
    ['a boundary in pieces', 'multipart/form-data; boundary="x y"; boundary*0=b'],
    ['spaces around the sign', 'multipart/form-data; boundary = b'],
    ['a quote that does not end', 'multipart/form-data; boundary="x y'],
    ['what stands behind the boundary', 'multipart/form-data; boundary="x y" b'],
    ['a boundary that ends with a space', 'multipart/form-data; boundary="x "'],
    ['a boundary with an escape', 'multipart/form-data; boundary="x\\ y"'],
    ['a boundary that some take for an address', 'multipart/form-data; boundary="<x>"'],
    ['a boundary that is no ASCII', 'multipart/form-data; boundary=é']
  ])('%s', (_, contentType) => {
    expect(() => parse(body, contentType)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'Content-Type' }))
  })

  test.each([
    ['a field twice', ['name="model"', 'name="model"']],
    ['a list in other letters', ['name="image"; filename="a"', 'name="Image"; filename="b"']],
    ['a list in brackets in other letters', ['name="include[]"', 'name="Include[]"']],
    ['a part with two names', ['name="a"; name="b"']],
    ['a name in another encoding', ['name="a"; name*=utf-8\'\'model']],
    ['a part without a name', ['filename="a"']],
    ['a field twice, in other letters', ['name="model"', 'name="Model"']],
    ['a name in the quotes of another parameter', ['x="; name=user; "; y=model']],
    ['a name in those of a file name', ['name="user"; filename="; name=model; "']],
    ['a name in pieces', ['name="user"; name*0=model']],
    ['spaces around the sign', ['name = "model"']],
    ['a name whose quote does not end', ['name="model']],
    ['a name with an escape', ['name="mo\\del"']],
    ['a name in another alphabet', ['name="=?utf-8?q?model?="']],
    ['a name with a space', ['name="model "']],
    ['a name behind quotes that are not escaped', ['filename="a"b"; name="model"']],
    ['two file names', ['name="a"; filename="a"; FileName="b"']],
    ['a disposition twice', ['name="model"\r\ncontent-disposition: form-data; name="user"']],
    ['a type twice', ['name="a"\r\ncontent-type: a/b\r\nContent-Type: c/d']],
    ['a disposition after a line feed', ['name="user"\r\nx: y\ncontent-disposition: form-data; name="model"']],
    ['a carriage return in a header', ['name="user"\r\nx: y\rz: a']],
    ['a folded header', ['name="user"\r\nx: y\r\n z']],
    ['a header with a space before its colon', ['name="user"\r\nx : y']],
    ['content in another encoding', ['name="n"\r\ncontent-transfer-encoding: quoted-printable'], '=31'],
    ['a boundary after a line feed', ['name="user"'], 'x\n--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ny'],
    ['a boundary after a carriage return', ['name="a"; filename="a"'], 'x\r--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ny'],
    ['a boundary where the content begins', ['name="user"'], '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ny'],
    ['a boundary that goes on', ['name="user"'], 'x\r\n--bc\r\ny'],
    ['a part behind the last boundary', ['name="user"'], 'x\r\n--b--c\r\n--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ny'],
    ['a field larger than any setting', ['name="model"', 'name="big"'], 'x'.repeat(70_000)]
  ])('%s', (_, heads, value = 'x') => {
    const form = `${heads.map(head => `--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n${value}\r\n`).join('')}--b--`
    for (const size of [form.length, 1, 7]) expect(() => parse(Buffer.from(form), 'multipart/form-data; boundary=b', size)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test('headers without an end, as soon as they are too long', () => {
    const form = new FormParser('multipart/form-data; boundary=b')
    expect(() => form.push(Buffer.from(`--b\r\n${'x'.repeat(5_000)}`))).toThrow('proper headers')
  })
})

test.each(['include[]', 'include', 'image', 'keywords', 'known_speaker_names', 'known_speaker_references', 'languages', 'timestamp_granularities'])('a list may repeat its name: %s', (name) => {
  const form = parse(Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\na\r\n--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nb\r\n--b--`), 'multipart/form-data; boundary=b')
  expect(form.parts.map(({ text }) => text)).toEqual(['a', 'b'])
})

test.each(['voices', 'voices[]', 'voices[0]'])('the items of a long field may be as long as a file, and are not kept: %s', (name) => {
  const form = new FormParser('multipart/form-data; boundary=b', 'voices')
  form.push(Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n`))
  for (let sent = 0; sent < 100; sent++) form.push(Buffer.alloc(64 * 1024, 'x'))
  form.push(Buffer.from('\r\n--b--'))
  form.end()
  expect(form.parts).toMatchObject([{ name, fileName: undefined, text: undefined }])
  expect(form.parts.map(({ start, end }) => end - start)).toEqual([100 * 64 * 1024])
  expect(form.fieldText(name)).toBeUndefined()
})

test.each(['Voices', 'voices.0', 'voice'])('a field that is called nearly so may not: %s', (name) => {
  const form = new FormParser('multipart/form-data; boundary=b', 'voices')
  expect(() => form.push(Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${'x'.repeat(70_000)}`))).toThrow(expect.objectContaining({ code: 'invalid_request', param: name }))
})

test.each([
  ['multipart/form-data; boundary=----formdata-undici-0123', 'multipart/form-data; boundary=----formdata-undici-0123'],
  ['Multipart/Form-Data;charset=utf-8;Boundary="abc";', 'multipart/form-data; boundary=abc'],
  ['multipart/form-data; boundary=----=_Part_1:2', 'multipart/form-data; boundary="----=_Part_1:2"'],
  ['multipart/form-data; boundary="x y"', 'multipart/form-data; boundary="x y"'],
  ['multipart/form-data; x="; boundary=a; "; boundary=b', 'multipart/form-data; boundary=b'],
  ['multipart/form-data; boundary=*****', 'multipart/form-data; boundary=*****']
])('of %s tells the one boundary it reads', (given, written) => {
  expect(new FormParser(given).contentType).toBe(written)
})

test.each([
  ['curl', 'Content-Disposition: form-data; name="file"; filename="a \\"b\\".wav"\r\nContent-Type: audio/wav', 'a \\"b\\".wav'],
  ['form-data, which escapes nothing', 'Content-Disposition: form-data; name="file"; filename="Take "two" again.wav"', 'Take '],
  ['a tab in a name', 'Content-Disposition: form-data; name="file"; filename="a\tb.wav"', 'a\tb.wav'],
  ['undici', 'Content-Disposition: form-data; name="file"; filename="blob"\r\nContent-Type: application/octet-stream', 'blob'],
  ['httpx', 'Content-Disposition: form-data; name="file"; filename="ä; b.wav"\r\nContent-Type: audio/wav', 'ä; b.wav'],
  ['requests', 'Content-Disposition: form-data; name="file"; filename*=utf-8\'\'%C3%A4.wav', ''],
  ['.NET', 'Content-Type: audio/wav\r\nContent-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8\'\'a.wav', 'a.wav'],
  ['OkHttp', 'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Transfer-Encoding: binary\r\nContent-Type: audio/wav\r\nContent-Length: 1', 'a']
])('takes a file of %s', (_, head, fileName) => {
  expect(parse(Buffer.from(`--b\r\n${head}\r\n\r\nx\r\n--b--\r\n`), 'multipart/form-data; boundary=b').parts).toMatchObject([{ name: 'file', fileName }])
})

import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { afterEach } from 'vitest'
import { LoomError } from '../../server/errors'
import type { CallRequest, Operation } from '../../server/gateway/operations/operation'
import { Upload } from '../../server/gateway/upload'

/** A part of a form: its content, and the name of its file, if it is one. */
export type UploadedPart = readonly [name: string, content: string, fileName?: string]

const uploads: Upload[] = []
afterEach(async () => {
  await Promise.all(uploads.splice(0).map(upload => upload.close()))
})

/** A request as an operation parses it of a form on its way, of which some is still to come. */
export async function parseUploaded({ parseUpload, longField }: Operation, parts: readonly UploadedPart[]): Promise<CallRequest> {
  const written = parts.map(([name, content, fileName]) => `--b0undary\r\ncontent-disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}\r\n\r\n${content}\r\n`)
  const form = Buffer.from(`${written.join('')}--b0undary--\r\n`)
  const request = new IncomingMessage(new Socket())
  request.headers['content-type'] = 'multipart/form-data; boundary=b0undary'
  const upload = new Upload(request, form.length, 4 * 1024 * 1024, () => new LoomError('body_too_large', 'too large'), longField)
  uploads.push(upload)
  for (let at = 0; at < form.length; at += 64 * 1024) request.push(form.subarray(at, at + 64 * 1024))
  request.push(null)
  if (!parseUpload) throw new Error('takes no upload')
  return parseUpload(upload)
}

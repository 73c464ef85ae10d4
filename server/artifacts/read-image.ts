import { identifyImage } from '../files/inspect-bytes'

/** Bytes that make an image, whatever somebody calls them, and the type that browsers show them as. */
export interface ImageBytes { bytes: Buffer, mime: string }

/** An image as a model writes it, in base64 or as a `data:` URL; undefined for what is no PNG, JPEG, GIF or WebP by its first bytes. */
export async function readImage(written: string): Promise<ImageBytes | undefined> {
  const base64 = written.replace(/^\s*data:[^,]{0,100};base64,/i, '').replaceAll(/\s/g, '')
  if (!/^[\w+/-]+={0,2}$/.test(base64)) return undefined
  const bytes = Buffer.from(base64, 'base64')
  const mime = await identifyImage(bytes)
  return mime === undefined ? undefined : { bytes, mime }
}

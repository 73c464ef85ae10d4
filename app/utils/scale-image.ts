/** The longer side of a photo as it is sent, in pixels: models look at hardly more, and Claude takes none above 2,000 in a call with more than twenty. */
export const IMAGE_SIDE_MAX = 1_920
/** Of a photo that is written anew; nobody sees the difference to the whole. */
const QUALITY = 0.9

/** A GIF may move, so it stays as it is. */
const scaled = ['image/jpeg', 'image/png', 'image/webp']

/**
 * The picture in its own format, upright and within `IMAGE_SIDE_MAX`. Any other file, a smaller picture, and one that this browser cannot
 * read or write, comes back itself.
 */
export async function scaleImage(file: File): Promise<File> {
  if (!scaled.includes(file.type)) return file
  const bitmap = await createImageBitmap(file).catch((error: unknown) => {
    // What is wrong with it, the server says.
    console.warn(`“${file.name}” could not be read as a picture`, error)
    return undefined
  })
  if (!bitmap) return file
  try {
    const factor = IMAGE_SIDE_MAX / Math.max(bitmap.width, bitmap.height)
    if (factor >= 1) return file
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * factor)), Math.max(1, Math.round(bitmap.height * factor)))
    const context = canvas.getContext('2d')
    if (!context) return file
    context.imageSmoothingQuality = 'high'
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    const blob = await canvas.convertToBlob({ type: file.type, quality: QUALITY })
    // Where a browser cannot write a format, it writes PNG in its place.
    return blob.type === file.type ? new File([blob], file.name, { type: file.type, lastModified: file.lastModified }) : file
  } finally {
    bitmap.close()
  }
}

import { z } from 'zod'
import { readImage } from '../../artifacts/read-image'
import { ARTIFACT_MAX, isImagePath } from '../../../shared/artifacts'
import { toFileName } from '../../../shared/file-name'
import { defineTool, ToolError } from '../tool'

// Told to the model before the transformation: what comes after that is not in the schema.
export const ArtifactPath = z.string().min(1).max(200)
  .meta({ examples: ['notes.md'], description: 'A file name; its extension tells what it is, for example report.md, chart.html, data.csv' })
  .transform(toFileName)

export default defineTool({
  name: 'create_artifact',
  description: 'Writes a document, a program, an HTML page, an SVG, a CSV table or an image into a file that the user sees beside the chat and can download. Use it for whatever is longer than some 15 lines or will be worked on further. An HTML page runs without any network: put styles, scripts and data into it. The content of a .png, .jpg, .gif or .webp is its bytes in base64. Do not repeat its content in your answer.',
  input: z.object({
    path: ArtifactPath,
    content: z.string().max(ARTIFACT_MAX).meta({ examples: ['# Notes\n\nWritten by the demo model.\n'], description: 'The whole content' })
  }),
  timeoutMs: 30_000,
  run: async ({ path, content }) => ({
    text: `${path} was written. The user sees it beside the chat.`,
    artifact: { path, content: isImagePath(path) ? await requireImage(path, content) : content }
  })
})

async function requireImage(path: string, written: string) {
  const image = await readImage(written)
  if (!image) throw new ToolError(`The content of ${path} is no image. Write the bytes of a PNG, JPEG, GIF or WebP in base64, or choose another extension.`)
  return image
}

import { z } from 'zod'
import { toFileName } from '../../../shared/file-name'
import { defineTool } from './tool'

/** Of one version, in UTF-16 code units. */
export const ARTIFACT_MAX = 500_000

// Told to the model before the transformation: what comes after that is not in the schema.
export const ArtifactPath = z.string().min(1).max(200)
  .meta({ examples: ['notes.md'], description: 'A file name; its extension tells what it is, for example report.md, chart.html, data.csv' })
  .transform(toFileName)

export const createArtifact = defineTool({
  name: 'create_artifact',
  description: 'Writes a document, a program, an HTML page, an SVG or a CSV table into a file that the user sees beside the chat and can download. Use it for whatever is longer than some 15 lines or will be worked on further. An HTML page runs without any network: put styles, scripts and data into it. Do not repeat its content in your answer.',
  input: z.object({
    path: ArtifactPath,
    content: z.string().max(ARTIFACT_MAX).meta({ examples: ['# Notes\n\nWritten by the demo model.\n'], description: 'The whole content' })
  }),
  timeoutMs: 30_000,
  run: ({ path, content }) => Promise.resolve({ text: `${path} was written. The user sees it beside the chat.`, artifact: { path, content } })
})

import { z } from 'zod'
import { readNewestArtifact } from '../../artifacts/read-newest-artifact'
import { ARTIFACT_MAX } from '../../../shared/artifacts'
import { ArtifactPath } from './create-artifact'
import { defineTool, ToolError } from '../tool'

export default defineTool({
  name: 'update_artifact',
  description: 'Changes a file made with create_artifact: the user gets a new version and may compare it with the old one. Each edit replaces a passage that occurs exactly once; to write the file anew, call create_artifact with its path.',
  input: z.object({
    path: ArtifactPath,
    edits: z.array(z.object({ find: z.string().min(1).max(ARTIFACT_MAX), replace: z.string().max(ARTIFACT_MAX) })).min(1).max(50)
      .meta({ examples: [[{ find: 'Written by', replace: 'Written and changed by' }]] })
  }),
  timeoutMs: 30_000,
  run: async ({ path, edits }, place) => {
    const current = await readNewestArtifact(place.runtime, place, path)
    if (current === undefined) throw new ToolError(`There is no ${path}. Write it with create_artifact.`)
    const content = edits.reduce((text, { find, replace }) => replaceOnce(text, find, replace), current)
    if (content.length > ARTIFACT_MAX) throw new ToolError(`${path} would be longer than ${ARTIFACT_MAX} characters.`)
    return { text: `${path} was changed.`, artifact: { path, content } }
  }
})

function replaceOnce(text: string, find: string, replace: string): string {
  const at = text.indexOf(find)
  if (at < 0) throw new ToolError(`“${find.slice(0, 80)}” does not occur. Quote the passage exactly.`)
  if (text.includes(find, at + 1)) throw new ToolError(`“${find.slice(0, 80)}” occurs more than once. Quote more around it.`)
  return text.slice(0, at) + replace + text.slice(at + find.length)
}

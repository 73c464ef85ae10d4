import { calculate } from './calculate'
import { createArtifact } from './create-artifact'
import { fetchWebPage } from './fetch-web-page'
import { searchProject } from './search-project'
import type { Tool } from './tool'
import { updateArtifact } from './update-artifact'

/** Every tool there is. A new one is a file beside this and a line here. */
export const tools: readonly Tool[] = [calculate, searchProject, createArtifact, updateArtifact, fetchWebPage]

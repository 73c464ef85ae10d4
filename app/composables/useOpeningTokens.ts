import { estimateOpening } from '#shared/project-files'
import { useModels } from '~/composables/useModels'
import { useProject } from '~/composables/useProject'
import { useProjectFiles } from '~/composables/useProjectFiles'

interface Place { projectId: () => string, systemPrompt: () => string, model: Ref<string | undefined> }

/** About what stands before the first question of a conversation, in tokens: instructions, and what its model is given of the project's files as soon as these are known. */
export function useOpeningTokens({ projectId, systemPrompt, model }: Place) {
  const { data: models } = useModels()
  const { data: project } = useProject(projectId)
  const { data: files } = useProjectFiles(projectId)
  return computed(() => estimateOpening([project.value?.instructions ?? '', systemPrompt()], files.value ?? [], models.value?.find(({ id }) => id === model.value)))
}

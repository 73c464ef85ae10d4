import { ModelParameters } from '../../shared/model-parameters'
import { joinInstructions } from '../../shared/project-files'

interface Settings { instructions: string, parameters: ModelParameters }

/** How a conversation's answers are asked for: its own prompt after its project's instructions, its own parameters before the project's. */
export function inherit(project: { instructions: string, parameters: unknown }, conversation: { systemPrompt: string, parameters: unknown }): Settings {
  return {
    instructions: joinInstructions([project.instructions, conversation.systemPrompt]),
    parameters: { ...ModelParameters.parse(project.parameters), ...ModelParameters.parse(conversation.parameters) }
  }
}

import { ModelParameters } from '../../shared/model-parameters'

interface Settings { instructions: string, parameters: ModelParameters }

/** How a conversation's answers are asked for: its own prompt after its project's instructions, its own parameters before the project's. */
export function inherit(project: { instructions: string, parameters: unknown }, conversation: { systemPrompt: string, parameters: unknown }): Settings {
  return {
    instructions: [project.instructions, conversation.systemPrompt].filter(text => text !== '').join('\n\n'),
    parameters: { ...ModelParameters.parse(project.parameters), ...ModelParameters.parse(conversation.parameters) }
  }
}

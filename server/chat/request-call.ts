import { shortCallId } from '../gateway/providers/tool-use-id'
import { parseJson } from '../../shared/parse-json'
import type { ToolCallPart } from '../../shared/messages'

/** A call as a request repeats it. Providers refuse arguments that are no JSON, whoever wrote them. */
export function toRequestCall({ toolCallId, toolName, arguments: written }: Pick<ToolCallPart, 'toolCallId' | 'toolName' | 'arguments'>) {
  return { id: shortCallId(toolCallId), type: 'function' as const, function: { name: toolName, arguments: parseJson(written) === undefined ? '{}' : written } }
}

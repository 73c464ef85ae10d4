import { contentText, readChatRequest } from './chat-request'
import type { ChatMessage, ChatRequest, ContentPart } from './chat-request'
import { shortCallId } from './tool-use-id'

/**
 * The prompt of a chat as OpenAI's Responses API takes it, which counts what it has no counting for in chats; nothing that is no part of a prompt.
 * @throws {LoomError} `invalid_request` for what has no counterpart there, such as sound
 */
export function toResponsesPrompt({ messages, tools, functions, response_format: format }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return responsesPrompt(readChatRequest({ messages, tools, functions, response_format: format }))
}

/** The same of a chat that was read. */
export function responsesPrompt(request: ChatRequest): { input: object[], tools?: object[], text?: object } {
  return {
    input: request.messages.flatMap(toItems),
    ...(request.tools?.length && { tools: request.tools.map(toTool) }),
    ...textField(request)
  }
}

function toItems(message: ChatMessage): object[] {
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ role: message.role, content: contentText(message.content) }]
    case 'user':
      return [{ role: 'user', content: toContent(message.content) }]
    case 'assistant': {
      const text = contentText(message.content)
      const calls = message.tool_calls ?? []
      const drawn = message.images?.length ? [{ role: 'user', content: message.images.map(toPart) }] : []
      return [...(text ? [{ role: 'assistant', content: text }] : []), ...drawn, ...calls.map(({ id, function: called }) => ({ type: 'function_call', call_id: shortCallId(id), name: called.name, arguments: called.arguments }))]
    }
    case 'tool':
      return [{ type: 'function_call_output', call_id: shortCallId(message.tool_call_id), output: toContent(message.content) }]
  }
}

function toContent(content: string | readonly ContentPart[]): string | object[] {
  return typeof content === 'string' ? content : content.map(toPart)
}

function toPart(part: ContentPart): object {
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text }
    case 'image_url':
      return { type: 'input_image', image_url: part.image_url.url, detail: part.image_url.detail ?? 'auto' }
    case 'file':
      return { type: 'input_file', filename: part.file.filename ?? 'file', file_data: part.file.file_data }
  }
}

function toTool({ function: { name, description, parameters, strict } }: NonNullable<ChatRequest['tools']>[number]): object {
  return { type: 'function', name, ...(description && { description }), parameters: parameters ?? null, strict: strict ?? false }
}

function textField({ response_format: format }: ChatRequest): { text?: object } {
  if (format?.type === 'json_object') return { text: { format: { type: 'json_object' } } }
  if (format?.type !== 'json_schema') return {}
  const { name, description, schema, strict } = format.json_schema
  return { text: { format: { type: 'json_schema', name: name || 'answer', ...(description && { description }), schema, strict: strict ?? false } } }
}

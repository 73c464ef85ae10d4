import { LoomError } from '../../errors'
import { contentText } from './chat-request'
import type { ChatMessage, ContentPart } from './chat-request'
import { readDataUrl } from './data-url'
import { demandsThoughtSignatures } from './google-model'
import { readToolArguments, readToolResult } from './tool-arguments'

type Part = Record<string, unknown>
interface Content { role: 'user' | 'model', parts: Part[] }

/** Told in place of a signature that is not known: calls that another model made, or that a client stored without it. Source: ai.google.dev/gemini-api/docs/thought-signatures. */
const NO_SIGNATURE = 'skip_thought_signature_validator'

/** The text of all system and developer messages, wherever they stand: Google takes it apart from the conversation. */
export function systemParts(messages: readonly ChatMessage[]): Part[] {
  return messages.flatMap(message => message.role === 'system' || message.role === 'developer' ? textParts(contentText(message.content)) : [])
}

/**
 * The conversation as turns of user and model. Tool results belong to the user's turn; neighbours of one role are
 * joined, for all results of a turn must arrive together: pictures among them, for which a result has no room, follow as the user's.
 * @throws {LoomError} `invalid_request` naming the part that has no counterpart
 */
export function conversationContents(messages: readonly ChatMessage[], model: string): Content[] {
  const names = new Map(messages.flatMap(message => message.role === 'assistant' ? message.tool_calls ?? [] : []).map(call => [call.id, call.function.name]))
  const contents: Content[] = []
  for (const [index, message] of messages.entries()) {
    const content = toContent(message, `messages.${index}`, names, model)
    const previous = contents.at(-1)
    if (!content || content.parts.length === 0) continue
    if (previous?.role === content.role) previous.parts.push(...content.parts)
    else contents.push(content)
  }
  return contents.map(({ role, parts }) => ({ role, parts: [...parts.filter(isResult), ...parts.filter(part => !isResult(part))] }))
}

function isResult(part: Part): boolean {
  return 'functionResponse' in part
}

function toContent(message: ChatMessage, param: string, names: ReadonlyMap<string, string>, model: string): Content | undefined {
  switch (message.role) {
    case 'user': {
      const parts: ContentPart[] = typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
      return { role: 'user', parts: parts.flatMap((part, index) => userParts(part, `${param}.content.${index}`)) }
    }
    case 'assistant':
      return { role: 'model', parts: [...textParts(contentText(message.content)), ...drawnParts(message, param, model), ...callParts(message, param, model)] }
    case 'tool': {
      const name = names.get(message.tool_call_id)
      if (name === undefined) {
        throw new LoomError('invalid_request', `${param}.tool_call_id: no message before names this call, and Gemini must be told its name.`, { param: `${param}.tool_call_id` })
      }
      const result = { functionResponse: { id: message.tool_call_id, name, response: readToolResult(contentText(message.content)) } }
      const pictures = typeof message.content === 'string' ? [] : message.content.flatMap((part, index) => part.type === 'text' ? [] : userParts(part, `${param}.content.${index}`))
      return { role: 'user', parts: [result, ...pictures] }
    }
    default:
      return undefined
  }
}

/** Pictures that a model drew before, to be drawn on. */
function drawnParts({ images }: Extract<ChatMessage, { role: 'assistant' }>, param: string, model: string): Part[] {
  const signed = demandsThoughtSignatures(model) ? { thoughtSignature: NO_SIGNATURE } : {}
  return (images ?? []).map((image, index) => ({ ...imagePart(image.image_url.url, `${param}.images.${index}`), ...signed }))
}

/** Of parallel calls only the first carries a signature. */
function callParts(message: Extract<ChatMessage, { role: 'assistant' }>, param: string, model: string): Part[] {
  return (message.tool_calls ?? []).map((call, index) => {
    const signature = call.extra_content?.google?.thought_signature ?? (index === 0 && demandsThoughtSignatures(model) ? NO_SIGNATURE : undefined)
    const args = readToolArguments(call.function.arguments, `${param}.tool_calls.${index}.function.arguments`)
    return { functionCall: { id: call.id, name: call.function.name, args }, ...(signature && { thoughtSignature: signature }) }
  })
}

/** Empty texts are left out: Google refuses them. */
function textParts(text: string): Part[] {
  return text ? [{ text }] : []
}

function userParts(part: ContentPart, param: string): Part[] {
  if (part.type === 'text') return textParts(part.text)
  if (part.type === 'image_url') return [imagePart(part.image_url.url, param)]
  const data = readDataUrl(part.file.file_data ?? '')
  // A minute of film in a few bytes would cost more than was held for it.
  if (!data || !/^(?:application\/(?:pdf|json)|text\/[\w.+-]+)$/.test(data.mediaType)) {
    throw new LoomError('invalid_request', `${param}: Gemini takes files as data URLs of PDF or text in file_data.`, { param })
  }
  return [{ inlineData: { mimeType: data.mediaType, data: data.base64 } }]
}

function imagePart(url: string, param: string): Part {
  if (/^https?:\/\//.test(url)) return { fileData: { mimeType: mimeTypeOf(url), fileUri: url } }
  const data = readDataUrl(url)
  if (data?.mediaType.startsWith('image/')) return { inlineData: { mimeType: data.mediaType, data: data.base64 } }
  throw new LoomError('invalid_request', `${param}: an image must be an http(s) URL or a base64 data URL.`, { param })
}

const imageTypes: Readonly<Record<string, string>> = { png: 'image/png', webp: 'image/webp', gif: 'image/gif', heic: 'image/heic', heif: 'image/heif' }

function mimeTypeOf(url: string): string {
  const extension = /\.(\w+)(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? ''
  return imageTypes[extension] ?? 'image/jpeg'
}

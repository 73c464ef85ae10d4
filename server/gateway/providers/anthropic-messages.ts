import { LoomError } from '../../errors'
import { contentText } from './chat-request'
import type { ChatMessage, ContentPart } from './chat-request'
import { readDataUrl } from './data-url'
import { readToolArguments } from './tool-arguments'
import { toolUseId } from './tool-use-id'

type Block = Record<string, unknown>
export interface Turn { role: 'user' | 'assistant', content: Block[] }

const imageTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

/** The text of all system and developer messages, wherever they stand: Anthropic takes it apart from the conversation. */
export function systemBlocks(messages: readonly ChatMessage[]): Block[] {
  return messages.flatMap(message => message.role === 'system' || message.role === 'developer' ? textBlocks(message.content) : [])
}

/**
 * The conversation as turns of user and assistant. Tool results belong to the user's turn; neighbours of one role are
 * joined, for all results of a turn must arrive together.
 * @throws {LoomError} `invalid_request` naming the part that has no counterpart
 */
export function conversationTurns(messages: readonly ChatMessage[]): Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    const turn = toTurn(message, `messages.${index}`)
    const previous = turns.at(-1)
    if (!turn || turn.content.length === 0) continue
    if (previous?.role === turn.role) previous.content.push(...turn.content)
    else turns.push(turn)
  }
  return turns
}

function toTurn(message: ChatMessage, param: string): Turn | undefined {
  if (message.role === 'user') {
    const parts: ContentPart[] = typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
    return { role: 'user', content: parts.flatMap((part, index) => partBlocks(part, `${param}.content.${index}`)) }
  }
  if (message.role === 'assistant') {
    const calls = (message.tool_calls ?? []).map((call, index) => ({
      type: 'tool_use', id: toolUseId(call.id), name: call.function.name, input: readToolArguments(call.function.arguments, `${param}.tool_calls.${index}.function.arguments`)
    }))
    return { role: 'assistant', content: [...textBlocks(message.content), ...calls] }
  }
  if (message.role === 'tool') {
    const { content, tool_call_id: id } = message
    const isText = typeof content === 'string' || content.every(part => part.type === 'text')
    const result = isText ? contentText(content) : content.flatMap((part, index) => partBlocks(part, `${param}.content.${index}`))
    return { role: 'user', content: [{ type: 'tool_result', tool_use_id: toolUseId(id), content: result }] }
  }
  return undefined
}

/** Empty texts are left out, and those of nothing but spaces and line breaks, as some models write before their calls: Anthropic refuses them. `cache_control` on a part is kept. */
function textBlocks(content: Parameters<typeof contentText>[0]): Block[] {
  const parts = typeof content === 'string' ? [{ text: content }] : content ?? []
  return parts.flatMap(part => typeof part.text === 'string' && part.text.trim() ? [{ type: 'text', text: part.text, ...cacheControl(part) }] : [])
}

function partBlocks(part: ContentPart, param: string): Block[] {
  if (part.type === 'text') return textBlocks([part])
  if (part.type === 'image_url') return [{ type: 'image', source: imageSource(part.image_url.url, param), ...cacheControl(part) }]
  const data = readDataUrl(part.file.file_data ?? '')
  if (data?.mediaType !== 'application/pdf') {
    throw new LoomError('invalid_request', `${param}: Claude takes files as PDF data URLs in file_data.`, { param })
  }
  return [{ type: 'document', source: { type: 'base64', media_type: data.mediaType, data: data.base64 }, ...cacheControl(part) }]
}

function imageSource(url: string, param: string): Block {
  if (/^https?:\/\//.test(url)) return { type: 'url', url }
  const data = readDataUrl(url)
  if (data && imageTypes.includes(data.mediaType)) return { type: 'base64', media_type: data.mediaType, data: data.base64 }
  throw new LoomError('invalid_request', `${param}: an image must be an http(s) URL or a base64 data URL of ${imageTypes.join(', ')}.`, { param })
}

/** Always for five minutes, whatever the caller asks: that is the life the price catalogue's cache-write price is for. */
export function cacheControl(part: object): Block {
  return 'cache_control' in part && part.cache_control ? { cache_control: { type: 'ephemeral' } } : {}
}

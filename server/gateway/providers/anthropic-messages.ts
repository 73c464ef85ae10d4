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
 * The conversation as turns of user and assistant. Tool results belong to the user's turn, and stand first in it; neighbours of one role are
 * joined, for all results of a turn must arrive together. Pictures that another model drew follow its words as the user's.
 * @throws {LoomError} `invalid_request` naming the part that has no counterpart
 */
export function conversationTurns(messages: readonly ChatMessage[]): Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    for (const turn of toTurns(message, `messages.${index}`)) {
      const previous = turns.at(-1)
      if (turn.content.length === 0) continue
      if (previous?.role === turn.role) previous.content.push(...turn.content)
      else turns.push(turn)
    }
  }
  return turns.map(turn => turn.content.some(isResult) ? { ...turn, content: [...turn.content.filter(isResult), ...turn.content.filter(block => !isResult(block))] } : turn)
}

function isResult({ type }: Block): boolean {
  return type === 'tool_result'
}

function toTurns(message: ChatMessage, param: string): Turn[] {
  if (message.role === 'user') {
    const parts: ContentPart[] = typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
    return [{ role: 'user', content: parts.flatMap((part, index) => partBlocks(part, `${param}.content.${index}`)) }]
  }
  if (message.role === 'assistant') {
    const calls = (message.tool_calls ?? []).map((call, index) => ({
      type: 'tool_use', id: toolUseId(call.id), name: call.function.name, input: readToolArguments(call.function.arguments, `${param}.tool_calls.${index}.function.arguments`), ...cacheControl(call)
    }))
    // Claude draws nothing, and takes no pictures as its own.
    const drawn = (message.images ?? []).flatMap((image, index) => partBlocks(image, `${param}.images.${index}`))
    return [{ role: 'assistant', content: [...textBlocks(message.content), ...calls] }, { role: 'user', content: drawn }]
  }
  if (message.role === 'tool') {
    const { content, tool_call_id: id } = message
    const isText = typeof content === 'string' || content.every(part => part.type === 'text')
    const result = isText ? contentText(content) : content.flatMap((part, index) => partBlocks(part, `${param}.content.${index}`))
    // A text has no room for the mark of a part: it ends the result as well.
    const marks = [message, ...isText && typeof content !== 'string' ? content : []].map(cacheControl)
    return [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: toolUseId(id), content: result, ...marks.findLast(mark => 'cache_control' in mark) }] }]
  }
  return []
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

/** For five minutes, or the hour that the caller asks for. Source: Anthropic, "Prompt caching", which takes the mark on blocks of every kind and on the whole body, read 2026-11. */
export function cacheControl(part: object): Block {
  if (!('cache_control' in part) || typeof part.cache_control !== 'object' || part.cache_control === null) return {}
  return { cache_control: { type: 'ephemeral', ...('ttl' in part.cache_control && part.cache_control.ttl === '1h' && { ttl: '1h' }) } }
}

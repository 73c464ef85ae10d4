import { LoomError } from '../../errors'
import { contentText, requestedMaxTokens, stopSequences } from './chat-request'
import type { ChatRequest } from './chat-request'
import { chooseTools, lastUserText, readSamples, sampleValue } from './demo-tool-calls'
import type { Samples } from './demo-tool-calls'

export const DEMO_MAX_OUTPUT_TOKENS = 2_048
export const DEMO_CONTEXT_WINDOW = 200_000
const MAX_CHARACTERS_PER_TOKEN = 8
const TOKENS_PER_ATTACHMENT = 85

export interface DemoAnswer {
  reasoning: string[]
  content: string[]
  toolCalls: { id: string, name: string, arguments: string }[]
  finishReason: 'stop' | 'length' | 'tool_calls'
  usage: {
    prompt_tokens: number
    completion_tokens: number
    total_tokens: number
    prompt_tokens_details: { cached_tokens: number }
    completion_tokens_details: { reasoning_tokens: number }
  }
}

/**
 * Everything the demo model will say to a request, in tokens. The same request always gets the same answer.
 * @throws {LoomError} `invalid_request` when the prompt is larger than its window
 */
export function composeDemoAnswer(request: ChatRequest, reasons: boolean): DemoAnswer {
  const promptTokens = countPrompt(request)
  if (promptTokens > DEMO_CONTEXT_WINDOW) throw tooLong()
  const limit = Math.min(requestedMaxTokens(request) ?? DEMO_MAX_OUTPUT_TOKENS, DEMO_MAX_OUTPUT_TOKENS)
  const prompt = lastUserText(request)
  const samples = readSamples(prompt)
  const tools = chooseTools(request)
  let left = limit
  let cut = false
  const write = (text: string): string[] => {
    const whole = toTokens(text)
    const written = whole.slice(0, left)
    left -= written.length
    cut ||= written.length < whole.length
    return written
  }
  const reasoning = reasons ? write(describeThinking(request, prompt, tools.length)) : []
  const toolCalls = tools.map((tool, index) => ({
    id: `call_demo_${request.messages.length}_${index}`,
    name: tool.function.name,
    arguments: write(JSON.stringify(sampleValue({ type: 'object', ...tool.function.parameters }, samples))).join('')
  }))
  const content = tools.length > 0 ? [] : write(beforeStop(composeText(request, prompt, samples), stopSequences(request)))
  const completionTokens = limit - left
  return {
    reasoning,
    content,
    toolCalls,
    finishReason: cut ? 'length' : toolCalls.length > 0 ? 'tool_calls' : 'stop',
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: reasoning.length }
    }
  }
}

function tooLong(): LoomError {
  return new LoomError('invalid_request', `The demo model reads prompts of at most ${DEMO_CONTEXT_WINDOW.toLocaleString('en')} tokens.`, { param: 'messages' })
}

/**
 * Text by its tokens, each image or file at a flat rate, as providers do.
 * @throws {LoomError} `invalid_request` when there is more text than the window can have, whatever it says: counting that takes a while
 */
function countPrompt({ messages, tools }: ChatRequest): number {
  const attachments = messages.flatMap(message => message.role === 'user' && typeof message.content !== 'string' ? message.content : []).filter(part => part.type !== 'text')
  const texts = messages.map(message => contentText(message.content) + (message.role === 'assistant' ? JSON.stringify(message.tool_calls ?? '') : ''))
  const all = [...texts, JSON.stringify(tools ?? '')]
  if (all.reduce((sum, text) => sum + text.length, 0) > DEMO_CONTEXT_WINDOW * MAX_CHARACTERS_PER_TOKEN) throw tooLong()
  return all.reduce((sum, text) => sum + toTokens(text).length, 0) + attachments.length * TOKENS_PER_ATTACHMENT
}

/** Pieces of at most eight characters, which joined give the text again: close to what real tokenizers count. */
export function toTokens(text: string): string[] {
  return text.match(/ ?[\p{L}\p{N}\p{M}]{1,8}| ?[^\p{L}\p{N}\p{M}\s]{1,8}|\s{1,8}/gu) ?? []
}

function beforeStop(text: string, stops: string[]): string {
  const cuts = stops.filter(Boolean).map(stop => text.indexOf(stop)).filter(index => index >= 0)
  return cuts.length > 0 ? text.slice(0, Math.min(...cuts)) : text
}

function composeText(request: ChatRequest, prompt: string, samples: Samples): string {
  const format = request.response_format
  if (format?.type === 'json_schema') return JSON.stringify(sampleValue(format.json_schema.schema, samples))
  if (format?.type === 'json_object') return JSON.stringify({ model: 'demo', prompt: excerpt(prompt, 200) })
  const results = toolResults(request)
  return results.length > 0 ? answerWithResults(results) : answerPrompt(request, prompt)
}

/** The tool messages at the end of the conversation, with the names their calls had. */
function toolResults({ messages }: ChatRequest): { name: string, result: string }[] {
  const names = new Map(messages.flatMap(message => message.role === 'assistant' ? message.tool_calls ?? [] : []).map(call => [call.id, call.function.name]))
  const afterLast = messages.findLastIndex(message => message.role !== 'tool') + 1
  return messages.slice(afterLast).flatMap(message => message.role === 'tool'
    ? [{ name: names.get(message.tool_call_id) ?? 'tool', result: contentText(message.content) }]
    : [])
}

function answerWithResults(results: { name: string, result: string }[]): string {
  const sections = results.map(({ name, result }) => `### ${name}\n\n${fenced(excerpt(result, 600), 'json')}`)
  return `## What the tools said\n\n${sections.join('\n\n')}\n\nI am Loom's demo model: I repeat results, I do not interpret them.`
}

function answerPrompt(request: ChatRequest, prompt: string): string {
  const words = prompt.trim().split(/\s+/).filter(Boolean)
  const images = request.messages.flatMap(message => message.role === 'user' && typeof message.content !== 'string' ? message.content : [])
    .filter(part => part.type === 'image_url').length
  return [
    `## You said: ${excerpt(prompt.replace(/\s+/g, ' ').trim(), 80) || 'nothing'}`,
    'I am Loom\'s built-in demo model. I do not think; I reflect your prompt, so that streaming, tools, traces and cost can be tried without a provider\'s key. An admin can add a real one under **Connections**.',
    ...(images > 0 ? [`You attached ${images} ${images === 1 ? 'image' : 'images'}; I cannot see.`] : []),
    '### Your prompt as code',
    fenced(`const prompt = ${JSON.stringify(excerpt(prompt, 200))}\nconsole.log(prompt.split(/\\s+/).length) // ${words.length}`, 'ts'),
    '### Your prompt in numbers',
    table([
      ['Measure', 'Value'],
      ['Words', String(words.length)],
      ['Characters', String([...prompt].length)],
      ['Longest word', words.reduce((longest, word) => word.length > longest.length ? word : longest, '') || 'none'],
      ['Messages so far', String(request.messages.length)]
    ]),
    request.tools?.length
      ? `You offer me ${request.tools.map(tool => `\`${tool.function.name}\``).join(', ')}: mention a name and I call it.`
      : 'Offer me tools and mention one by name, and I call it.'
  ].join('\n\n')
}

function describeThinking(request: ChatRequest, prompt: string, toolCalls: number): string {
  const words = prompt.trim().split(/\s+/).filter(Boolean).length
  const plan = toolCalls > 0 ? `It names ${toolCalls} of the tools on offer, so I call what it names.` : 'No tool is named, so I answer with what the prompt itself holds.'
  return `Messages so far: ${request.messages.length}. Words in the last prompt: ${words}. ${plan}`
}

function table([head, ...rows]: string[][]): string {
  const line = (cells: string[] = []) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head?.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A fence longer than any in the text, so that the text cannot close it. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(ticks => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

function excerpt(text: string, length: number): string {
  const characters = [...text]
  return characters.length > length ? `${characters.slice(0, length).join('')}…` : text
}

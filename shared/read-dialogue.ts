import { parseJson } from './parse-json'
import { z } from './zod'

/** One turn of what was said in a call. */
export interface DialogueTurn { role: string, text: string }

const Part = z.union([z.string(), z.looseObject({ type: z.string().optional(), text: z.string().optional() })])
const Content = z.union([z.string(), z.array(Part), z.null()]).optional()
const Message = z.looseObject({ role: z.string(), content: Content, tool_calls: z.array(z.unknown()).nullish() })
const ChatRequest = z.looseObject({ messages: z.array(Message).min(1), system: Content })
const ResponsesRequest = z.looseObject({ input: z.union([z.string(), z.array(z.looseObject({}))]), instructions: z.string().nullish() })
const PromptRequest = z.looseObject({ prompt: z.string() })
const ChatAnswer = z.looseObject({ choices: z.array(z.looseObject({ message: Message.optional(), text: z.string().optional() })) })
const ResponsesAnswer = z.looseObject({ output: z.array(z.looseObject({ content: Content })) })
const MessagesAnswer = z.looseObject({ role: z.literal('assistant'), content: Content })

/** What was said in a call of any chat format, in order; undefined where its bodies are none of those. */
export function readDialogue(request: string | null, response: string | null): DialogueTurn[] | undefined {
  const asked = readRequest(parseJson(request ?? ''))
  return asked && [...asked, ...readAnswer(parseJson(response ?? ''))]
}

function readRequest(body: unknown): DialogueTurn[] | undefined {
  const chat = ChatRequest.safeParse(body).data
  if (chat) return [...chat.system ? [{ role: 'system', text: textOf(chat.system) }] : [], ...chat.messages.map(turn)]
  const prompt = PromptRequest.safeParse(body).data
  if (prompt) return [{ role: 'user', text: prompt.prompt }]
  const responses = ResponsesRequest.safeParse(body).data
  if (!responses) return undefined
  const first = responses.instructions ? [{ role: 'system', text: responses.instructions }] : []
  if (typeof responses.input === 'string') return [...first, { role: 'user', text: responses.input }]
  return [...first, ...responses.input.map(item => readItem(item))]
}

function readItem(item: unknown): DialogueTurn {
  const message = Message.safeParse(item).data
  return message ? turn(message) : { role: 'item', text: JSON.stringify(item, null, 2) }
}

function readAnswer(body: unknown): DialogueTurn[] {
  const chat = ChatAnswer.safeParse(body).data
  if (chat) return chat.choices.map(({ message, text }) => message ? turn(message) : { role: 'assistant', text: text ?? '' })
  const responses = ResponsesAnswer.safeParse(body).data
  if (responses) return responses.output.map(item => ({ role: 'assistant', text: item.content ? textOf(item.content) : JSON.stringify(item, null, 2) }))
  const message = MessagesAnswer.safeParse(body).data
  return message ? [{ role: 'assistant', text: textOf(message.content) }] : []
}

function turn({ role, content, tool_calls: calls }: z.infer<typeof Message>): DialogueTurn {
  const made = calls?.map(call => JSON.stringify(call, null, 2)) ?? []
  return { role, text: [textOf(content), ...made].filter(text => text !== '').join('\n\n') }
}

function textOf(content: z.infer<typeof Content>): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(part => typeof part === 'string' ? part : part.text ?? `[${part.type ?? 'part'}]`).join('\n\n')
}

import { z } from 'zod'
import { LoomError } from '../../errors'
import type { EarlierCalls } from '../earlier-calls'
import { MAX_PROMPT_VALUES, requireFewValues } from './read-json'
import { callOf } from './response-ids'
import { isReference, ResponsesBody } from './responses-body'

const Item = z.looseObject({ id: z.string().optional(), type: z.string() })
type Item = z.infer<typeof Item>
type Finder = Pick<EarlierCalls, 'find'>
type Items = Exclude<ResponsesBody['input'], string | null | undefined>

const Answer = z.looseObject({ id: z.string(), output: z.array(Item) })

/** How many answers a request goes back over: each is looked for after the one that follows it. */
const MAX_BACK = 100

/**
 * A Responses body with what it only names by ids of ours (`item_reference`, `previous_response_id`) in their place, whichever model
 * wrote it; one that names none comes back as it is, and ids of OpenAI's stay.
 * @throws {LoomError} `not_found` for what is not kept, or is another's; `invalid_request` for an item named twice, and for more values than a body may have; whatever `calls` throws
 */
export async function withEarlier(body: ResponsesBody, calls: Finder): Promise<ResponsesBody> {
  const { previous_response_id: previous, ...rest } = body
  if (!previous || !callOf(previous)) return withItems(body, calls)
  return withItems({ ...rest, input: [...await itemsUpTo(previous, calls), ...itemsOf(body)] }, calls)
}

/** What was asked and answered up to and with a response, the oldest first. */
async function itemsUpTo(responseId: string, calls: Finder): Promise<Items> {
  const turns: Items[] = []
  let values = 0
  let next: string | null | undefined = responseId
  while (next) {
    if (turns.length === MAX_BACK) throw new LoomError('invalid_request', `"previous_response_id" goes back over more than ${MAX_BACK} answers. Send the conversation itself.`, { param: 'previous_response_id' })
    const callId = callOf(next)
    const call = callId === undefined ? undefined : (await calls.find([callId], { withRequests: true })).get(callId)
    const answer = Answer.safeParse(call?.response).data
    const question = ResponsesBody.safeParse(call?.request).data
    if (!question || answer?.id !== next) throw missing(next, 'previous_response_id')
    const turn = [...itemsOf(question), ...answer.output.map(withoutId)]
    values = requireFewValues(turn, MAX_PROMPT_VALUES, values)
    turns.push(turn)
    next = question.previous_response_id
  }
  return turns.toReversed().flat()
}

async function withItems(body: ResponsesBody, calls: Finder): Promise<ResponsesBody> {
  const items = itemsOf(body)
  const references = items.flatMap(item => referenceIn(item) ?? [])
  if (references.length === 0) return body
  const seen = new Set<string>()
  const twice = references.find(id => seen.size === seen.add(id).size)
  if (twice !== undefined) throw new LoomError('invalid_request', `input: the item "${twice}" stands there twice.`, { param: 'input' })
  const callIds = new Set(references.flatMap(id => callOf(id) ?? []))
  const found = [...(await calls.find([...callIds])).values()]
  const kept = new Map(found.flatMap(({ response }) => Answer.safeParse(response).data?.output ?? []).map(item => [item.id, item]))
  const input = items.flatMap((item) => {
    const id = referenceIn(item)
    if (id === undefined) return [item]
    const named = kept.get(id)
    if (named) return [withoutId(named)]
    // A conversation goes on without a thought.
    if (isReasoning(id)) return []
    throw missing(id, 'input')
  })
  return { ...body, input }
}

function itemsOf({ input }: Pick<ResponsesBody, 'input'>): Items {
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input ?? []
}

/** The id in a reference to an item of ours. */
function referenceIn(item: Items[number]): string | undefined {
  const { id } = item
  return isReference(item) && typeof id === 'string' && callOf(id) !== undefined ? id : undefined
}

/** A body without what models thought whose answers we translated: a provider would look for it among what it keeps itself, and finds none. */
export function withoutToldThoughts(body: ResponsesBody): ResponsesBody {
  const items = itemsOf(body)
  return items.some(isToldThought) ? { ...body, input: items.filter(item => !isToldThought(item)) } : body
}

/** Whether an item is what a model thought whose answer we translated: all of it is in its summary. */
export function isToldThought({ type, id, encrypted_content: sealed }: Readonly<Record<string, unknown>>): boolean {
  return type === 'reasoning' && typeof id === 'string' && callOf(id) !== undefined && !sealed
}

function isReasoning(id: string): boolean {
  return id.startsWith('rs_')
}

/** A provider would look for it among what it keeps itself; a thought is told by it to be one that we told. */
function withoutId({ id, ...item }: Item): Items[number] {
  return item.type === 'reasoning' ? { id, ...item } : item
}

function missing(id: string, param: string): LoomError {
  return new LoomError('not_found', `${param}: "${id}" is not kept here. Answers can be gone on from as long as the bodies of traces are kept, by keys of the same organisation, or project. Send the items of earlier answers themselves (with the Vercel AI SDK: store: false).`, { param })
}

import { z } from 'zod'
import type { LoomError } from '../../errors'
import { UpstreamStatusError } from '../upstream-error'
import { callOf } from './response-ids'
import { isReference } from './responses-body'
import type { ResponsesBody } from './responses-body'

type Item = Exclude<ResponsesBody['input'], string | null | undefined>[number]

const Answer = z.looseObject({
  id: z.string(),
  store: z.boolean().nullish().catch(undefined),
  output: z.array(z.looseObject({ id: z.string().optional().catch(undefined), type: z.string() }))
})

/**
 * The ids by which a later request may name an answer of OpenAI's or Azure's, or an item of it. One that was not to be stored can be named in
 * part alone: by what the provider's own tools did. Those that we made lead to traces, and are none.
 */
export function idsGiven(response: unknown): string[] {
  const { data } = Answer.safeParse(response)
  if (!data || callOf(data.id) !== undefined) return []
  const isStored = data.store !== false
  return [...isStored ? [data.id] : [], ...data.output.flatMap(item => item.id !== undefined && (isStored || !isWhole(item)) ? item.id : [])]
}

/** Every id in a request that its provider might look for among what it keeps. */
export function idsNamed(body: ResponsesBody): string[] {
  const { previous_response_id: previous } = body
  return [previous || [], conversationIn(body) ?? [], itemsOf(body).filter(item => !isSealed(item)).flatMap(item => idOf(item) ?? [])].flat()
}

/** Those of them that stand for what is not in the request: only who keeps that can go on from it. */
export function idsNeeded(body: ResponsesBody): string[] {
  const { previous_response_id: previous } = body
  return [previous || [], conversationIn(body) ?? [], itemsNeeded(body)].flat()
}

/** Those of what came along sealed. Whoever is not known to have sealed it may be unable to open it. */
export function idsSealed(body: ResponsesBody): string[] {
  return itemsOf(body).filter(isSealed).flatMap(item => idOf(item) ?? [])
}

function itemsNeeded(body: ResponsesBody): string[] {
  return itemsOf(body).filter(item => !isSealed(item) && !isWhole(item)).flatMap(item => idOf(item) ?? [])
}

/** How OpenAI refuses what it does not have, where the request names anything that its org was not given; undefined where it does not. */
export function refusalOf(body: ResponsesBody, given: ReadonlySet<string>): LoomError | undefined {
  const { previous_response_id: previous } = body
  if (previous && !given.has(previous)) return missing('Previous response', previous, 'previous_response_id', 400, 'previous_response_not_found')
  const conversation = conversationIn(body)
  if (conversation !== undefined && !given.has(conversation)) return missing('Conversation', conversation, 'conversation', 404)
  const item = itemsNeeded(body).find(id => !given.has(id))
  return item === undefined ? undefined : missing('Item', item, 'input', 404)
}

/** Of a request that is not refused: without the ids of items that say all there is to them, where its org was not given those. */
export function withOwnIds(body: Readonly<Record<string, unknown>> & ResponsesBody, given: ReadonlySet<string>): ResponsesBody {
  const { input } = body
  if (!Array.isArray(input)) return body
  return { ...body, input: input.map((item) => {
    const id = idOf(item)
    return id === undefined || given.has(id) || isSealed(item) ? item : withoutId(item)
  }) }
}

/** Items that callers write, or hand back, with all that is in them. What the provider's own tools did is not among them: it may hold more than is told. */
const WHOLE = /^(?:message|mcp_approval_response|(?:function|custom_tool|shell|apply_patch)_call|\w+_call_output)$/

function isWhole(item: Readonly<Record<string, unknown>>): boolean {
  return !isReference(item) && WHOLE.test(typeof item.type === 'string' ? item.type : 'message')
}

/** What is in it came along, and its provider checks that it has this id. Only these kinds are sealed: on any other the field says nothing. */
function isSealed({ type, encrypted_content: content }: Readonly<Record<string, unknown>>): boolean {
  return (type === 'reasoning' || type === 'compaction') && typeof content === 'string' && content !== ''
}

function itemsOf({ input }: ResponsesBody): Item[] {
  return Array.isArray(input) ? input : []
}

function idOf({ id }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof id === 'string' ? id : undefined
}

const Named = z.looseObject({ id: z.string() })

/** Whatever form it has: nothing that is not understood goes on. */
function conversationIn({ conversation }: ResponsesBody): string | undefined {
  if (conversation === undefined || conversation === null) return undefined
  if (typeof conversation === 'string') return conversation
  return Named.safeParse(conversation).data?.id ?? ''
}

function withoutId({ id: _id, ...item }: Item): Item {
  return item
}

/** In the words, and with the codes, by which programs know it. */
function missing(what: string, id: string, param: string, status: number, code?: string): LoomError {
  const message = `${what} with id '${id.slice(0, 100)}' not found. Over this connection, which other organisations use, too, each goes on from answers of its own, as long as the provider keeps them. Send the items of the conversation themselves.`
  return new UpstreamStatusError('invalid_request', message, status, { param }, { code })
}

import { extraContent } from './over-chat'
import { newId } from './response-ids'
import type { ResponsesBody } from './responses-body'
import type { CalledTool } from './tools-as-functions'

export type MessagePart = { type: 'output_text', text: string, annotations: [], logprobs: [] } | { type: 'refusal', refusal: string }

/** What an answer that we write tells of its call, beside the request as it is asked. */
export interface ToldCall {
  id: string
  /** As the caller named it, though what it stands for is in its place. */
  previousResponseId: string | null
  /** Later calls can go on from it. */
  isStored: boolean
}

/** A `response` object without its answer: who answers, and what was asked of it. */
export function describeResponse(body: ResponsesBody, model: string, { id, previousResponseId, isStored }: ToldCall): Record<string, unknown> {
  const { instructions, max_output_tokens: maxTokens, metadata, parallel_tool_calls: parallel, reasoning, temperature, text, tool_choice: choice, tools, top_p: topP, user } = body
  return {
    id: newId('resp', id),
    object: 'response',
    created_at: Math.floor(Date.now() / 1_000),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: instructions ?? null,
    max_output_tokens: maxTokens ?? null,
    model,
    output: [],
    parallel_tool_calls: parallel ?? true,
    previous_response_id: previousResponseId,
    reasoning: { effort: null, summary: null, ...(typeof reasoning === 'object' && reasoning) },
    store: isStored,
    temperature: temperature ?? null,
    text: text ?? { format: { type: 'text' } },
    tool_choice: choice ?? 'auto',
    tools: tools ?? [],
    top_p: topP ?? null,
    truncation: 'disabled',
    usage: null,
    user: user ?? null,
    metadata: metadata ?? {}
  }
}

/** `incomplete` is the item in which a response was cut off. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

/** How a response ended, by the reason its chat answer did. */
export function outcomeOf(finishReason: string): { status: 'completed' | 'incomplete', incomplete_details: { reason: string } | null } {
  if (finishReason === 'length') return { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
  if (finishReason === 'content_filter') return { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }
  return { status: 'completed', incomplete_details: null }
}

/** Reasoning that a provider shows is told as its summary: the part of a response that clients display. */
export function reasoningItem(text: string, id: string) {
  return { id, type: 'reasoning', summary: [{ type: 'summary_text', text }] }
}

export function messageItem(part: MessagePart, status: ItemStatus, id: string) {
  return { id, type: 'message', status, role: 'assistant', content: [part] }
}

/** A call of a tool; `written` are a function's arguments, or the text that a custom tool takes. */
export interface ToldToolCall { id: string, tool: CalledTool, written: string, extra?: unknown }

export function callItem({ id: callId, tool: { type, name, namespace }, written, extra }: ToldToolCall, status: ItemStatus, id: string) {
  const called = { call_id: callId, name, ...(namespace && { namespace }) }
  return type === 'custom'
    ? { id, type: 'custom_tool_call', status, ...called, input: written, ...extraContent(extra) }
    : { id, type: 'function_call', status, ...called, arguments: written, ...extraContent(extra) }
}

/** An id for the item of a call. */
export function newCallItemId({ type }: CalledTool, callId: string): string {
  return newId(type === 'custom' ? 'ctc' : 'fc', callId)
}

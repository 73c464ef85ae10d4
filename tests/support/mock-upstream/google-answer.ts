import type { MockBehaviour } from './behaviour'
import { textPieces } from './behaviour'

const finishReasons = { stop: 'STOP', length: 'MAX_TOKENS', content_filter: 'SAFETY' } as const

/** A `GenerateContentResponse`. */
export function googleAnswer(behaviour: MockBehaviour, model: string) {
  const parts = contentParts(behaviour, [textPieces(behaviour).join('')])
  return response(model, [candidate(parts, behaviour)], usageMetadata(behaviour))
}

/** The events of a streamed answer, which tell what was thought; the last tells why it ended, and its usage. */
export function googleEvents(behaviour: MockBehaviour, model: string): string[] {
  const usage = usageMetadata(behaviour)
  const soFar = usage && { ...usage, candidatesTokenCount: undefined, totalTokenCount: usage.promptTokenCount + (usage.thoughtsTokenCount ?? 0) }
  return [
    ...contentParts(behaviour, textPieces(behaviour)).map(part => event(response(model, [{ content: { parts: [part], role: 'model' }, index: 0 }], soFar))),
    event(response(model, [candidate([{ text: '' }], behaviour)], usage))
  ]
}

export function googleErrorEvent(): string {
  return event(googleError(503))
}

export function googleError(status: number) {
  const statuses: Record<number, string> = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 429: 'RESOURCE_EXHAUSTED', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED' }
  return { error: { code: status, message: `The mock answers ${status}.`, status: statuses[status] ?? 'INTERNAL' } }
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\r\n\r\n`
}

function response(model: string, candidates: unknown[], usage: unknown) {
  return { candidates, ...usage ? { usageMetadata: usage } : {}, modelVersion: model, responseId: 'resp_mock' }
}

function candidate(parts: unknown[], { finishReason }: MockBehaviour) {
  return { content: { parts, role: 'model' }, finishReason: finishReasons[finishReason], index: 0 }
}

function contentParts(behaviour: MockBehaviour, texts: string[]): unknown[] {
  return [
    ...behaviour.reasoning ? [{ text: behaviour.reasoning, thought: true }] : [],
    ...behaviour.toolCalls.length
      ? behaviour.toolCalls.map((call, index) => ({
          functionCall: { name: call.name, args: JSON.parse(call.arguments) },
          // Of parallel calls only the first is signed.
          ...index === 0 ? { thoughtSignature: 'c2lnbmVk' } : {}
        }))
      : texts.map(text => ({ text }))
  ]
}

/** Google counts thoughts beside the answer, and leaves zeros out. */
function usageMetadata({ usage }: MockBehaviour) {
  if (!usage) return undefined
  return {
    promptTokenCount: usage.inputTokens,
    ...usage.outputTokens > usage.reasoningTokens ? { candidatesTokenCount: usage.outputTokens - usage.reasoningTokens } : {},
    ...usage.reasoningTokens ? { thoughtsTokenCount: usage.reasoningTokens } : {},
    ...usage.cachedInputTokens ? { cachedContentTokenCount: usage.cachedInputTokens } : {},
    totalTokenCount: usage.inputTokens + usage.outputTokens
  }
}

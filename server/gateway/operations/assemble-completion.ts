import { z } from 'zod'
import { MAX_CHOICES, MAX_PARTS } from '../answer-limits'
import type { ChatOutput } from './chat-output'
import { chatOutput, HeardAndSeen } from './chat-output'
import { withPartsJoined } from './content-parts'
import type { Made } from './operation'
import { reasoningIn } from './reasoning-in'

const ToolCallDelta = z.looseObject({
  // Servers that only ever make one call leave it out.
  index: z.int().nonnegative().max(1_023).nullish().transform(index => index ?? 0),
  id: z.string().nullish(),
  function: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
  extra_content: z.unknown().optional()
})
export type ToolCallDelta = z.infer<typeof ToolCallDelta>

/** A `chat.completion.chunk`, as far as its text matters to us. */
export const ChatChunk = z.looseObject({
  id: z.string().nullish(),
  created: z.number().nullish(),
  model: z.string().nullish(),
  choices: z.array(z.looseObject({
    index: z.int().nonnegative().max(127).default(0),
    delta: z.preprocess(withPartsJoined, z.looseObject({
      content: z.string().nullish(),
      refusal: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.unknown().optional(),
      tool_calls: z.array(ToolCallDelta).max(MAX_PARTS).nullish(),
      ...chatOutput
    }).nullish()),
    finish_reason: z.string().nullish()
  })).max(MAX_CHOICES).nullish().transform(choices => choices ?? []),
  usage: z.unknown().optional()
})
export type ChatChunk = z.infer<typeof ChatChunk>

interface Choice {
  content: string
  refusal: string
  reasoning: string
  transcript: string
  functionCall: { name: string, arguments: string }
  toolCalls: Map<number, { id: string, name: string, arguments: string }>
  finishReason: string | null
}

/**
 * Puts a stream's chunks together into the `chat.completion` they amount to: what the trace keeps, and what is
 * counted when the provider tells no usage. Keeps the text alone, so its memory is that of the answer, not of its framing.
 */
export class CompletionAssembler {
  private readonly choices = new Map<number, Choice>()
  private readonly heardAndSeen = new HeardAndSeen()
  /** What all chunks say of their answer. */
  readonly head: { id?: string, created?: number, model?: string } = {}
  /** Characters of text so far. */
  length = 0

  add(chunk: ChatChunk): void {
    // Empty in Azure's first chunk.
    this.head.id ||= chunk.id ?? undefined
    this.head.created ||= chunk.created ?? undefined
    this.head.model ||= chunk.model ?? undefined
    for (const { index, delta, finish_reason } of chunk.choices) {
      let choice = this.choices.get(index)
      if (!choice) this.choices.set(index, choice = { content: '', refusal: '', reasoning: '', transcript: '', functionCall: { name: '', arguments: '' }, toolCalls: new Map(), finishReason: null })
      if (finish_reason) choice.finishReason = finish_reason
      if (!delta) continue
      const reasoning = reasoningIn(delta)
      this.length += (delta.content?.length ?? 0) + (delta.refusal?.length ?? 0) + reasoning.length
      this.addOutput(choice, delta)
      if (delta.content) choice.content += delta.content
      if (delta.refusal) choice.refusal += delta.refusal
      if (reasoning) choice.reasoning += reasoning
      for (const call of delta.tool_calls ?? []) {
        const known = choice.toolCalls.get(call.index)
        const written = call.function?.name ?? ''
        // Some servers write the name with every piece.
        const name = written === known?.name ? '' : written
        this.length += name.length + (call.function?.arguments?.length ?? 0)
        if (known) {
          known.id ||= call.id ?? ''
          known.name += name
          known.arguments += call.function?.arguments ?? ''
        } else {
          choice.toolCalls.set(call.index, { id: call.id ?? '', name, arguments: call.function?.arguments ?? '' })
        }
      }
    }
  }

  private addOutput(choice: Choice, output: ChatOutput): void {
    const { audio, function_call: called } = output
    this.heardAndSeen.add(output)
    choice.transcript += audio?.transcript ?? ''
    choice.functionCall.name ||= called?.name ?? ''
    choice.functionCall.arguments += called?.arguments ?? ''
    this.length += (audio?.transcript?.length ?? 0) + (called?.name?.length ?? 0) + (called?.arguments?.length ?? 0)
  }

  /** How many choices have ended; undefined while one that began has not. */
  get ended(): number | undefined {
    return [...this.choices.values()].every(choice => choice.finishReason !== null) ? this.choices.size : undefined
  }

  /** All text the model made so far, for counting. */
  get text(): string {
    return [...this.choices.values()]
      .map(choice => choice.reasoning + choice.content + choice.refusal + choice.transcript + choice.functionCall.name + choice.functionCall.arguments + [...choice.toolCalls.values()].map(call => call.name + call.arguments).join(''))
      .join('')
  }

  /** And what of it is no text, by our own measure. */
  get made(): Required<Made> {
    return this.heardAndSeen.made
  }

  /** The `chat.completion` object so far. */
  completion(usage: unknown): Record<string, unknown> {
    return {
      id: this.head.id,
      object: 'chat.completion',
      created: this.head.created,
      model: this.head.model,
      choices: [...this.choices].map(([index, choice]) => ({
        index,
        message: {
          role: 'assistant',
          content: choice.content || null,
          ...(choice.refusal && { refusal: choice.refusal }),
          ...(choice.reasoning && { reasoning_content: choice.reasoning }),
          ...(choice.transcript && { audio: { transcript: choice.transcript } }),
          ...(choice.functionCall.name && { function_call: choice.functionCall }),
          ...(choice.toolCalls.size > 0 && {
            tool_calls: [...choice.toolCalls.values()].map(call => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }))
          })
        },
        finish_reason: choice.finishReason
      })),
      usage
    }
  }
}

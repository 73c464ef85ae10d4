import { z } from './zod'
import { Id, storableText } from './json'
import { MESSAGE_FILES_MAX, MESSAGE_TEXT_MAX } from './message-limits'
import { ModelName, reasoningEfforts } from './model-parameters'

/**
 * `POST /api/conversations/{id}/messages`: answers with an event stream (see ChatEvent); 409 `conflict` while an answer is running; 204 when the message
 * was stored before under its `clientId`: its answer is followed with `GET …/stream`.
 */
export const SendMessage = z.strictObject({
  /** May be empty beside files. */
  text: storableText(MESSAGE_TEXT_MAX).default(''),
  /** Chosen by the sender: what is stored under it already is not stored again. */
  clientId: Id.optional(),
  /** Uploaded before with `POST /api/projects/{id}/files`. */
  fileIds: z.array(Id).max(MESSAGE_FILES_MAX).optional(),
  /** The answer it follows, or the end of the shown branch, as where it is absent; null for the top. With an earlier message's `parentId` it becomes a branch beside that. */
  parentId: Id.nullable().optional(),
  /** Also becomes the conversation's model. */
  model: ModelName.optional(),
  /** Whether answers may call tools; from now on, too. */
  tools: z.boolean().optional()
}).refine(({ text, fileIds }) => text.trim() !== '' || fileIds?.length, { path: ['text'], message: 'Write something first' })
export type SendMessage = z.infer<typeof SendMessage>

/**
 * `POST /api/conversations/{id}/messages/{messageId}/retry`: answers the same message anew as a branch; `…/continue`: goes on where that
 * answer stopped, in a message below it. Event streams like SendMessage's, without a `userMessage`. `model` and `tools` as there.
 */
export const AnswerAgain = z.strictObject({ model: ModelName.optional(), tools: z.boolean().optional() })
export type AnswerAgain = z.infer<typeof AnswerAgain>

/** Answer of `POST /api/conversations/{id}/stop`; false when nothing was running. The stream then ends with `done`, status `aborted`. */
export const StopResult = z.object({ stopped: z.boolean() })
export type StopResult = z.infer<typeof StopResult>

const toolDecisions = ['once', 'always', 'deny'] as const
export type ToolDecision = typeof toolDecisions[number]

/** `POST /api/conversations/{id}/decisions`: lets a call that asks run, this once or whenever its tool is called in this conversation, or refuses it. */
export const DecideTool = z.strictObject({ toolCallId: z.string().min(1).max(500), decision: z.enum(toolDecisions) })
export type DecideTool = z.infer<typeof DecideTool>

const RequestContent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }),
  z.object({ type: z.literal('file'), file: z.object({ filename: z.string(), file_data: z.string() }) })
])

/** A message as a chat completion takes it. */
export const RequestMessage = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(RequestContent)]).nullable(),
  /** What the model thought before it called tools: sent to those that want it back. */
  reasoning_content: z.string().optional(),
  tool_calls: z.array(z.object({ id: z.string(), type: z.literal('function'), function: z.object({ name: z.string(), arguments: z.string() }) })).optional(),
  tool_call_id: z.string().optional()
})
export type RequestMessage = z.infer<typeof RequestMessage>

/**
 * `GET /api/conversations/{id}/messages/{messageId}/request`: what was asked of the model for that answer, as far as the thread, its
 * project's instructions and the model's window are still the same: the body of a `POST /v1/chat/completions`. The bytes of attachments are left out of it.
 */
export const AnswerRequest = z.object({
  model: z.string(), messages: z.array(RequestMessage), stream: z.boolean(),
  temperature: z.number().optional(), top_p: z.number().optional(), max_tokens: z.int().optional(), reasoning_effort: z.enum(reasoningEfforts).optional()
})
export type AnswerRequest = z.infer<typeof AnswerRequest>

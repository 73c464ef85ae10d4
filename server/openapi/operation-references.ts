import { z } from 'zod'
import { Images, PictureChoices } from '../gateway/operations/asked-pictures'
import { SpeechBody } from '../gateway/operations/audio-speech'
import { Transcript } from '../gateway/operations/audio-transcriptions'
import { ChatBody } from '../gateway/operations/chat-completions'
import { CompletionsBody } from '../gateway/operations/completions-body'
import { Embeddings, EmbeddingsBody } from '../gateway/operations/embeddings'
import { ImagesBody } from '../gateway/operations/images-generations'
import { CountBody, MessagesBody } from '../gateway/operations/messages-body'
import { JsonEditBody } from '../gateway/operations/json-edit'
import { ModelName } from '../gateway/operations/model-name'
import { Moderation, ModerationsBody } from '../gateway/operations/moderations'
import type { Operation } from '../gateway/operations/operation'
import type { OperationName } from '../gateway/operations/operation-name'
import { Ranking, RerankBody } from '../gateway/operations/rerank'
import { ResponsesBody } from '../gateway/operations/responses-body'
import { ModelNames } from '../gateway/requested-models'
import type { RouteReference } from './route-reference'

type Told = Pick<RouteReference, 'summary' | 'description' | 'body' | 'answers'>

/** Every call may name models to try after its own, or instead of one. */
const model = ModelName.optional().describe('What is called; with `models`, it may be left out.')
const models = ModelNames.optional().describe('Models to try in this order: after `model`, or without it.')
const json = (schema: z.ZodObject) => ({ 'application/json': schema.extend({ model, models }) })
const form = (schema: z.ZodType) => ({ 'multipart/form-data': schema })
/** Events are told in words: a schema of OpenAPI says nothing of their order. */
const events = (description: string) => ({ 'text/event-stream': z.string().describe(description) })

const Usage = z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() })
/** A form with a file, as far as it is ours to read: its other fields are passed on. */
const SoundForm = z.looseObject({ 'file': z.file(), model, 'models[]': models })
const EditForm = PictureChoices.extend({ 'image': z.file().optional().describe('One picture; several as `image[]`.'), 'image[]': z.array(z.file()).optional(), 'mask': z.file().optional(), model, 'models[]': models }).loose()
const Sound = z.string().meta({ format: 'binary' })

const ChatCompletion = z.looseObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  model: z.string(),
  choices: z.array(z.looseObject({ index: z.int(), message: z.looseObject({ role: z.string(), content: z.string().nullish() }), finish_reason: z.string().nullable() })),
  usage: Usage.optional()
})

/** What an operation's parser cannot tell of it. */
const told: Record<OperationName, Told> = {
  'chat.completions': {
    summary: 'Create a chat completion',
    description: 'OpenAI\'s chat completions, whatever provider answers. Fields not listed here are passed on as they come. A body with `input` in place of `messages`, as Cursor sends it, is read as one of `/v1/responses`, and answered as a chat.',
    body: json(ChatBody.extend({ messages: ChatBody.shape.messages.optional(), input: ResponsesBody.shape.input })),
    answers: {
      'application/json': ChatCompletion,
      ...events('With `stream: true`: events with `chat.completion.chunk` objects, then `[DONE]`. With `stream_options.include_usage` the last chunk tells `usage`, its cost in USD in `usage.cost`. A failure on the way is an event with an error object, and no `[DONE]` follows.')
    }
  },
  'completions': {
    summary: 'Complete a text',
    description: 'OpenAI\'s older text completions; over chat completions where the provider has none.',
    body: json(CompletionsBody),
    answers: {
      'application/json': z.looseObject({ id: z.string(), object: z.literal('text_completion'), choices: z.array(z.looseObject({ text: z.string() })), usage: Usage.optional() }),
      ...events('With `stream: true`: events with `text_completion` objects, then `[DONE]`.')
    }
  },
  'responses': {
    summary: 'Create a response',
    description: 'OpenAI\'s responses; native where the provider has them, else over chat completions.',
    body: json(ResponsesBody),
    answers: {
      'application/json': z.looseObject({ id: z.string(), object: z.literal('response'), status: z.string(), output: z.array(z.looseObject({ type: z.string() })), usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int() }).nullish() }),
      ...events('With `stream: true`: named events, from `response.created` to `response.completed`. A failure on the way is an event of the type `error`.')
    }
  },
  'messages': {
    summary: 'Create a message',
    description: 'Anthropic\'s messages, their events and errors; native to Anthropic, translated to every other kind of provider.',
    body: json(MessagesBody),
    answers: {
      'application/json': z.looseObject({ id: z.string(), type: z.literal('message'), role: z.literal('assistant'), model: z.string(), content: z.array(z.looseObject({ type: z.string() })), stop_reason: z.string().nullable(), usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int() }) }),
      ...events('With `stream: true`: named events, from `message_start` to `message_stop`. A failure on the way is an event of the type `error`.')
    }
  },
  'messages.count_tokens': {
    summary: 'Count the tokens of a message',
    description: 'Costs nothing.',
    body: json(CountBody),
    answers: { 'application/json': z.looseObject({ input_tokens: z.int() }) }
  },
  'embeddings': { summary: 'Create embeddings', body: json(EmbeddingsBody), answers: { 'application/json': Embeddings } },
  'images.generations': {
    summary: 'Create images',
    body: json(ImagesBody),
    answers: { 'application/json': Images, ...events('With `stream: true`: partial images as they come, then the finished one with its `usage`.') }
  },
  'images.edits': {
    summary: 'Create images from others',
    description: 'A form with the pictures, or JSON that names them: by their addresses, which whoever answers looks up, as data URLs, or as uploads at the provider.',
    body: { ...form(EditForm), ...json(JsonEditBody) },
    answers: { 'application/json': Images, ...events('With `stream`: partial images as they come, then the finished one with its `usage`.') }
  },
  'audio.speech': {
    summary: 'Speak a text',
    body: json(SpeechBody),
    answers: { 'audio/*': Sound.describe('The sound, as it is made.'), ...events('With `stream_format: "sse"`, of a model that has them: events with pieces of the sound, then one with `usage`.') }
  },
  'audio.transcriptions': {
    summary: 'Transcribe a recording',
    body: form(SoundForm),
    answers: {
      'application/json': Transcript,
      'text/plain': z.string().describe('With `response_format` `text`, `srt` or `vtt`: the transcript as such.'),
      ...events('With `stream=true`, of a model that streams: the text as it is understood.')
    }
  },
  'audio.translations': {
    summary: 'Translate a recording into English',
    body: form(SoundForm),
    answers: {
      'application/json': Transcript,
      'text/plain': z.string().describe('With `response_format` `text`, `srt` or `vtt`: the translation as such.')
    }
  },
  'moderations': { summary: 'Classify texts and images', description: 'Without a model, by `omni-moderation-latest`.', body: json(ModerationsBody), answers: { 'application/json': Moderation } },
  'rerank': { summary: 'Order documents by how well they answer a query', body: json(RerankBody), answers: { 'application/json': Ranking } }
}

/** The reference of an endpoint that calls a model. */
export function describeOperation({ name, path, scope }: Operation): RouteReference {
  return {
    method: 'post',
    path,
    tag: 'Models',
    scopes: ['inference', scope],
    callsModel: true,
    errors: name.startsWith('messages') ? 'anthropic' : 'openai',
    ...told[name]
  }
}

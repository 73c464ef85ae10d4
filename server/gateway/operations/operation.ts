import type { IncomingHttpHeaders } from 'node:http'
import type { CallScope } from '../../../shared/policy'
import type { UnitKind, Units } from '../../billing/units'
import type { Target } from '../../catalog/target'
import type { LoomError } from '../../errors'
import type { EarlierCalls } from '../earlier-calls'
import type { TokenBounds } from '../estimate-cost'
import type { Transport, UpstreamResponse } from '../providers/provider'
import type { Upload } from '../upload'
import type { PromptUsage, Usage } from '../usage'
import type { OperationName } from './operation-name'
import type { Surcharge } from './unpriced'

/**
 * One endpoint of `/v1` that calls a model. An operation knows its format; it knows nothing of keys, money, traces or
 * sockets: `run-call.ts` takes every operation down the same road.
 *
 * To add one:
 * 1. Its name in `OperationName`; a file here with a class that implements `CallRequest` (what one parsed request can
 *    tell the road) and an `Operation` whose `parse` makes it; a line in `registry.ts`. Then it is served.
 * 2. Its native form: `Provider.native` of each kind that has it (`providers/provider.ts`). In `send`, call that; for a
 *    kind without it go over chat completions (`over-chat.ts`), or throw `invalid_request`: the road then tries the next target.
 * 3. An answer that streams needs a `StreamTap`: `EventTap` (`event-tap.ts`) for server-sent events; one of its own for
 *    bytes that are no events, such as sound.
 */
export interface Operation {
  name: OperationName
  /** What follows the host, `/v1` included. */
  path: string
  /** What a key needs to call it, unless it has `inference`. */
  scope: CallScope
  /**
   * Understands a request; no more of it than the road needs.
   * @throws {LoomError} `invalid_request` naming the first field at fault
   */
  parse: (raw: Buffer, headers: IncomingHttpHeaders) => CallRequest
  /** Beside a form: a body of that content type is for `parse`. */
  takesJson?: boolean
  /**
   * As `parse`, of a form with a file, of up to `MAX_UPLOAD_BYTES` rather than `MAX_BODY_BYTES`, as soon as enough of it is here.
   * @param model that the path names, in place of the form's
   */
  parseUpload?: (upload: Upload, model?: string) => Promise<CallRequest>
  /** A list in that form whose items may be as long as a file: see `FormParser`. */
  longField?: string
  /**
   * As `parseUpload`, of a form that is told of and not sent, to be judged alone.
   * @param fields of the form, beside its files
   */
  parseDescribed?: (fields: Record<string, unknown>, fileBytes: readonly number[]) => CallRequest
  /** The body of an error answer, as the SDKs of this format read it. */
  toError: (error: LoomError) => object
  /** Another header these SDKs look for the request's id in. */
  requestIdHeader?: string
}

/** One request as the road works on it. */
export interface CallRequest {
  /** As the caller names it. */
  readonly model: string
  /** What `model` is where the caller names none; undefined where one must be named. */
  readonly defaultModel?: string
  /** Models to try after it (`models` in the body); undefined when the caller named none. See `requested-models.ts`. */
  readonly alternatives?: readonly string[] | undefined
  readonly stream: boolean
  /** `metadata` of the body, as it came. */
  readonly metadata?: unknown
  /** The body as it came; empty for an upload. */
  readonly raw: Buffer
  /** Its size, where that is not `raw`'s. */
  readonly bodyBytes?: number
  /** Headers of the caller's that go to a provider with it; left out where none does. */
  readonly headers?: Readonly<Record<string, string>>
  /** What the trace keeps in its place; left out, `raw`. */
  record?: () => Buffer
  /** Costs nothing, whoever answers: it may go to a model without a price. */
  readonly free?: boolean
  /**
   * Told before the call is planned: its id, which ids in its answer may tell, and what answers before it are kept, where the request only names them.
   * @throws {LoomError} `not_found` for one that is not; whatever `earlier` throws
   */
  prepare?: (callId: string, earlier: EarlierCalls) => Promise<void>
  /**
   * Of its targets, those that may be asked for what it names of a provider's keeping: at a connection that all orgs share, only what this org was given there;
   * and of several accounts, only those that gave some of it, where any is known to. An account that sealed what came along sealed is the first.
   * @throws {LoomError} for none, as a provider refuses what it does not have; whatever `earlier` throws
   */
  reachable?: (targets: Target[]) => Promise<Target[]>
  /** Told once it is known what is `reachable`: another account might be asked for what its answer gives, or another org name it, so that is to be remembered. */
  readonly keepsGivenIds?: boolean
  /** What of the request a target gets and bills beside tokens, or at other prices than ours: refused for orgs that pay. */
  unpriced?: (target: Target) => string | undefined
  /** What models of this endpoint may be priced by instead of tokens. */
  readonly unit?: UnitKind
  /** How much of that the request alone amounts to, where no provider tells. */
  measure?: () => Units
  /** The most tokens (and units) the call may use at a target: what is held. */
  bound: (target: Target) => TokenBounds
  /** The longest answer the caller asked for, in tokens; undefined when they did not say. */
  readonly askedOutputTokens?: number | undefined
  /** Lets no answer be longer than `maxTokens`, where the caller asked for no length: `bound` and `send` heed it. Only of endpoints that write text. */
  limitOutput?: (maxTokens: number) => void
  /**
   * Our own count of the prompt's tokens, as near as can be told, for a provider that tells none.
   * @param target that was sent it, where one was
   */
  countInput: (target?: Target) => Promise<number>
  /** A closer look than `bound` at what is in the body, for a wallet that cannot cover that; undefined for a prompt too long to be counted in good time. */
  countClosely?: () => Promise<CountedRequest | undefined>
  /**
   * The prompt's tokens as a target's provider counts them, files and all, before it answers and for nothing; undefined where it does not.
   * @throws {LoomError} as `send`
   */
  countAt?: (target: Target, transport: Transport, signal: AbortSignal) => Promise<number | undefined>
  /**
   * One attempt: the answer of a target in this operation's own format, natively or translated. A refusal (status ≥ 400)
   * is an OpenAI error object, whatever the format.
   * @throws {LoomError} `invalid_request` when the target's kind cannot express the request: another may
   */
  send: (target: Target, transport: Transport, signal: AbortSignal) => Promise<UpstreamResponse>
  /**
   * Reads a whole answer.
   * @throws {LoomError} `upstream_error` for a failure told in it; any other error for what is none, which the road tells in its own words
   */
  readAnswer: (body: Buffer, headers: UpstreamResponse['headers']) => WholeAnswer
  /** What the call `callId` was answered to the same question, as this call's own answer: with ids of its own. Left out where answers have none that lead here. */
  adopt?: (answer: Buffer, callId: string) => Buffer
  /** A new reader for one streamed answer; left out where none streams, and undefined for one that came whole though a stream was asked for. */
  tap?: (headers: UpstreamResponse['headers']) => StreamTap | undefined
}

/** What a request is made of, by OpenAI's newest tokenizer. */
export interface CountedRequest {
  /** Of everything but the data of images and sounds. */
  tokens: number
  images: number
  /** The most that its sounds are. */
  soundTokens: number
}

/** By our own measure, what of an answer is no text, in tokens. */
export interface Made {
  outputTokens?: number
  /** Of those, sound. */
  audioOutputTokens?: number
}

/** What a provider has delivered of an answer, for our own count: what it wrote, and what it made beside. */
export interface Delivered extends Readonly<Made> {
  readonly text: string
  /** How many tokens the provider counted of it so far: those that nobody is shown are in no text. */
  readonly tokensSoFar?: number | undefined
}

/** An answer that does not stream. */
export interface WholeAnswer extends Made {
  contentType: string
  /** What the provider counted; undefined when it told nothing sensible. */
  usage: Usage | undefined
  /** As the provider wrote it. */
  rawUsage: unknown
  /** What the model wrote, for our own count. */
  text: () => string
  /** How many times as much as that was written, where the best of several is shown. */
  timesWritten?: number
  /** What the answer tells of other units than tokens. */
  units?: Units | undefined
  surcharge?: Surcharge | undefined
  /** The bytes for the caller, `usage` being what is charged. */
  finish: (usage: Usage) => Buffer
  /** What the trace keeps in their place; left out, those bytes. */
  record?: () => Buffer
  /** Its ids of what its provider keeps, which a later request may name. */
  givenIds?: () => string[]
}

/**
 * Reads one streamed answer as it passes. What ends an answer for an SDK (`[DONE]`, `message_stop`, …) is held back
 * until the call is captured: `push` gives out all before it, `closing` the rest.
 */
export interface StreamTap extends Delivered {
  readonly contentType: string
  /**
   * What of the upstream's bytes goes to the caller now, in whole events.
   * @throws {LoomError} `upstream_error` for an error event, and for what is no stream of this format
   */
  push: (chunk: Buffer) => Buffer[]
  /** The upstream has closed: what is left. */
  end: () => Buffer[]
  /** The last event has come; whatever follows is nobody's. */
  readonly done: boolean
  /** Of `outputTokens`, what came after the last usage that the provider told: of several pictures each tells its own. */
  readonly untoldTokens?: number
  /** Nothing is missing, even should the last event not come. */
  readonly whole: boolean
  /** The final usage; undefined until the provider told one that makes sense. */
  readonly usage: Usage | undefined
  /** What a provider tells of the prompt before it answers: truer than our count, should the answer break off. */
  readonly inputUsage?: PromptUsage | undefined
  readonly rawUsage: unknown
  /** What of it summed the conversation up, and was then read in its place. */
  readonly summary?: string
  /** What it told of other units than tokens. */
  readonly units?: Units | undefined
  readonly surcharge?: Surcharge | undefined
  /** The answer so far as one body, for the trace. */
  record: () => Buffer
  /** Ids so far of what its provider keeps, which a later request may name. */
  givenIds?: () => string[]
  /** What ends the stream well, once the call is captured at this usage and cost. */
  closing: (usage: Usage, costUsd: string) => Buffer
  /** What was held back of a stream that broke off, and is charged. */
  undelivered?: () => Buffer
  /** What ends it otherwise: this format's error event; null where it has none, and breaking off must say it. */
  failure: (error: LoomError) => Buffer | null
}

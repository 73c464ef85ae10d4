import type { RouteReference } from './route-reference'

const text = { type: 'string' }

/** Headers that say what a call is charged. */
export const billingHeaders = [
  { name: 'X-Billing-Amount', in: 'header', required: false, description: 'Charge this amount in USD, with at most nine decimals, in place of the cost; of a prepaid organisation over a connection that all share, and under a budget of the platform, no less than the cost. Needs the scope `billing`.', schema: { type: 'string', pattern: '^\\d+(\\.\\d{1,9})?$' } },
  { name: 'X-Billing-Ref-Id', in: 'header', required: false, description: 'Names the transaction. A name is charged once, whatever happens. It does not begin with `loom:`.', schema: { type: 'string', minLength: 1, maxLength: 200 } }
]

/** Headers of Anthropic's format. */
export const messagesHeaders = [
  { name: 'anthropic-beta', in: 'header', required: false, description: 'Features in beta to ask Anthropic for, separated by commas; passed on where Anthropic answers. A malformed one is ignored.', schema: { type: 'string', maxLength: 1000 } }
]

/** Headers that every model call takes. */
export const requestHeaders = [
  ...billingHeaders,
  { name: 'Idempotency-Key', in: 'header', required: false, description: 'Repeating a call with the same key and body gets the first one\'s answer, and is charged once.', schema: { type: 'string', minLength: 1, maxLength: 255 } },
  { name: 'x-loom-tags', in: 'header', required: false, description: 'What the call is to be found by among the traces: `team=search, env=prod`, up to 16, percent-encoded as in W3C Baggage.', schema: { type: 'string' } },
  { name: 'x-loom-cache', in: 'header', required: false, description: '`on`, `off`, `refresh` and `ttl=<seconds>`, separated by commas: whether to take and keep a cached answer. Without it, the key\'s setting counts.', schema: { type: 'string' } },
  { name: 'traceparent', in: 'header', required: false, description: 'Your span, by W3C Trace Context: passed on to the provider, the call\'s parent where tracing is on, and its trace id the tag `trace_id` among the traces. A malformed one is ignored.', schema: text },
  { name: 'tracestate', in: 'header', required: false, description: 'What belongs to `traceparent`; passed on with it, up to 512 characters.', schema: text }
]

const rateLimitHeaders = (unit: 'requests' | 'tokens') => ({
  [`x-ratelimit-limit-${unit}`]: { description: `The limit of ${unit} that is nearest. Only where there is one.`, schema: { type: 'integer' } },
  [`x-ratelimit-remaining-${unit}`]: { description: 'What is left of it.', schema: { type: 'integer' } },
  [`x-ratelimit-reset-${unit}`]: { description: 'When it is whole again, as a duration: `12ms`, `7.2s`, `6m0s`.', schema: text }
})

/** Headers of the answers to model calls. */
export const answerHeaders = {
  'x-request-id': { description: 'The id of the call and its trace; of what calls no model, that of its line in the log.', schema: text },
  'request-id': { description: 'The same, where Anthropic\'s SDKs look for it: of messages.', schema: text },
  'x-loom-provider': { description: 'The kind of provider that answered.', schema: text },
  'x-loom-model': { description: 'The model that answered, as its provider calls it.', schema: text },
  'x-loom-attempts': { description: 'How many attempts it took.', schema: { type: 'integer' } },
  'x-loom-cache': { description: '`hit`, `miss` or `none`.', schema: text },
  'age': { description: 'Of a cached answer (`x-loom-cache: hit`): how old it is, in seconds.', schema: { type: 'integer' } },
  'idempotent-replayed': { description: '`true` for the stored answer to an earlier call with the same `Idempotency-Key`, which is not charged again; its other headers are that call\'s.', schema: { type: 'string', enum: ['true'] } },
  'x-loom-cost-usd': { description: 'What was charged, an exact decimal. Not for streams, which tell it in `usage.cost`.', schema: text },
  'x-loom-max-tokens': { description: 'The cap put on the answer because the wallet or a budget pays for no more. Only where there is one.', schema: { type: 'integer' } },
  'x-loom-key-expires': { description: 'When the key that was sent ends, if that is within two weeks.', schema: { type: 'string', format: 'date-time' } },
  'x-loom-overhead-ms': { description: 'The time Loom itself took.', schema: { type: 'number' } },
  'server-timing': { description: 'The same as browsers read it: `gateway;dur=0.52`.', schema: text },
  ...rateLimitHeaders('requests'),
  ...rateLimitHeaders('tokens')
}

/** Of the answers to what calls no model. */
export const lookUpHeaders = ['x-request-id', 'x-loom-key-expires']

/** Headers of errors alone. */
export const refusalHeaders = {
  'retry-after': { description: 'Of an error: after how many seconds the same call may succeed. Only where that is known.', schema: { type: 'integer' } },
  'x-should-retry': { description: 'Of an error: `false` where waiting does not help, so that no SDK tries again by itself.', schema: { type: 'string', enum: ['false'] } }
}

/** What an error may have: of a call that was made, what its answer would have, but for what only an answer has. */
export const errorHeaders = Object.keys({ ...answerHeaders, ...refusalHeaders }).filter(name => !['age', 'idempotent-replayed', 'x-loom-cost-usd'].includes(name))

/** References to headers, in an API's format: `request-id` is Anthropic's alone. */
export function referToHeaders(names: readonly string[], format: RouteReference['errors']): Record<string, { $ref: string }> {
  return Object.fromEntries(names.filter(name => name !== 'request-id' || format === 'anthropic').map(name => [name, { $ref: `#/components/headers/${name}` }]))
}

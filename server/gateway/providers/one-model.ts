import { LoomError } from '../../errors'
import { fieldOf } from '../field-of'

/**
 * By what Anthropic, and proxies and gateways that speak OpenAI's format, are told of other models. Sources: LiteLLM's documentation, "Client-Side Fallbacks", "Fallbacks" and "Clientside
 * LLM Credentials"; Vercel's, "Model Fallbacks"; read 2026-11.
 */
const fields: Readonly<Record<string, (value: unknown) => boolean>> = {
  fallbacks: isSet,
  context_window_fallbacks: isSet,
  content_policy_fallbacks: isSet,
  mock_testing_fallbacks: Boolean,
  mock_testing_context_fallbacks: Boolean,
  mock_testing_content_policy_fallbacks: Boolean,
  user_config: isSet,
  providerOptions: options => isSet(fieldOf(fieldOf(options, 'gateway'), 'models'))
}

/**
 * @throws {LoomError} `invalid_request` for a call that the server itself may put to another model: whether the key may use that, what it
 * costs and how long its answers are would nobody have asked
 */
export function requireOneModel(body: Readonly<Record<string, unknown>>): void {
  const field = Object.keys(fields).find(name => fields[name]?.(body[name]))
  if (field) throw new LoomError('invalid_request', `"${field}" is not taken. Name the models to try next in "models": each is then tried in turn, by the rules of your key and at its own price.`, { param: field })
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

import type { IncomingHttpHeaders } from 'node:http'

/** The caller's choice of beta features: part of Anthropic's format, though it travels as a header. */
export function anthropicHeaders({ 'anthropic-beta': beta }: IncomingHttpHeaders): Record<string, string> {
  const text = Array.isArray(beta) ? beta.join(',') : beta
  return text && /^[\w.,\- ]{1,1000}$/.test(text) ? { 'anthropic-beta': text } : {}
}

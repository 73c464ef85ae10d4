import { fieldOf } from '../field-of'

/** What Claude Code heads its instructions with, for Anthropic, and writes anew for every call. Source: anthropics/claude-code#68900. */
const LINE = /^x-anthropic-billing-header:[^\n]*\n?/

/** Instructions without it: no other provider would find the beginning of a conversation in its cache. */
export function withoutBillingLine(text: string): string {
  return text.replace(LINE, '')
}

/** So of the `system` of a Messages body, which comes back as it is where it has none. */
export function withoutBillingBlock(system: unknown): unknown {
  if (typeof system === 'string') return withoutBillingLine(system)
  if (!Array.isArray(system) || !system.some(isBillingBlock)) return system
  return system.filter(block => !isBillingBlock(block))
}

function isBillingBlock(block: unknown): boolean {
  const text = fieldOf(block, 'text')
  return typeof text === 'string' && text !== '' && withoutBillingLine(text) === ''
}

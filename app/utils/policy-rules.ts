import type { PolicyRule, PolicyScope } from '#shared/policy'

/** Rules and where they are set, as people call them. */
export const policyRuleNames: Record<PolicyRule, string> = {
  scopes: 'Kind of call', expires_at: 'Expiry', models: 'Model', allowed_ips: 'Address', max_body_bytes: 'Size of the request', max_input_tokens: 'Length of the prompt', max_output_tokens: 'Length of the answer',
  max_concurrent: 'Calls at once', requests_per_minute: 'Requests a minute', tokens_per_minute: 'Tokens a minute', budget_day: 'Daily budget', budget_week: 'Weekly budget', budget_month: 'Monthly budget', budget_total: 'Budget in total', wallet: 'Wallet'
}
export const policyScopeNames: Record<PolicyScope, string> = { key: 'of the key', project: 'of the project', org: 'of the organisation', platform: 'of the installation' }

/** How other servers tell that an answer ended early. Source: Mistral's API reference (`ModelLength`), Zhipu's and Anthropic's; what DeepSeek and OpenRouter break off is a failure, and told as one. */
const others: Readonly<Record<string, string>> = { model_length: 'length', model_context_window_exceeded: 'length', sensitive: 'content_filter' }

/** Why a chat answer ended, in OpenAI's words where its server has others for it. */
export function finishReasonOf(told: string): string {
  return others[told] ?? told
}

/** Ends of an answer whose server failed in the middle of it. Source: DeepSeek's API reference; `error` and `network_error` of OpenRouter and Zhipu (hax#15, local-operator#223). */
const failures: ReadonlySet<unknown> = new Set(['error', 'network_error', 'insufficient_system_resource'])

/** Whether an answer ended because its server failed. */
export function isFailure(finishReason: unknown): boolean {
  return failures.has(finishReason)
}

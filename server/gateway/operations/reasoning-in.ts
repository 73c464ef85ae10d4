/** A model's message, or a piece of one, as far as it shows what the model thought. */
export interface Thinking { reasoning_content?: string | null | undefined, reasoning?: unknown }

/** What a model thought, as servers show it: `reasoning_content` with most, `reasoning` with OpenRouter, Groq, Ollama and newer vLLM. Some send both, saying the same. */
export function reasoningIn({ reasoning_content: content, reasoning }: Thinking): string {
  return content || (typeof reasoning === 'string' ? reasoning : '')
}

import type { Target } from '../../catalog/target'

/** What OpenAI's models take, as their names tell it. */

/** Whether a target is OpenAI's own API, or Azure's of it. */
export function isOpenAi({ connection: { kind } }: Target): boolean {
  return kind === 'openai' || kind === 'azure'
}

/** Models that reason. Source: `@ai-sdk/openai`, as for what they refuse while they do. */
export const reasoning = /(?:^|\/)(?:o\d|gpt-[5-9](?!-chat))/

/** The same as other servers name them, `azure-gpt-5` or `openai.o3`. */
export const reasoningElsewhere = /(?:^|[/._-])gpt-[5-9](?!-chat)|(?:^|[/.])o\d/

/** Those that do not, unless they are asked to. Source: langchain#35423 and #35424. */
export const rested = /(?:^|\/)gpt-5\.[124](?!\d|-pro|-codex|-chat)/

/** Those that reason in a chat only while they have no tools. Source: their refusal, which says to set the effort to `none` (community.openai.com/t/1386454, openai-openapi#541). */
export const reasoningWithoutTools = /(?:^|\/)gpt-(?:5\.(?:[4-9]|\d\d)|[6-9])(?!.*-chat)/

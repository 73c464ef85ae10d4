import { z } from 'zod'
import type { ArtifactContent } from '../artifacts/keep-version'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'

/** Where a tool is called: in an answer to a conversation's thread. */
export interface ToolPlace {
  runtime: Runtime
  orgId: string
  projectId: string
  /** What the person who asked may reach. */
  scope: Scope
  conversationId: string
  /** The answer that calls it. */
  messageId: string
  /** Aborted when the answer is stopped, or the call takes too long. */
  signal: AbortSignal
}

/** What a call came to. */
export interface ToolOutcome {
  /** What the model reads. */
  text: string
  /** A document or an image it made, to be kept as the next version of its path. */
  artifact?: { path: string, content: ArtifactContent }
}

interface ToolDefinition<Input> {
  /** What the model calls it: lower case and underscores. */
  name: string
  /** When to call it, and what it answers: for the model. */
  description: string
  input: z.ZodType<Input>
  /** Whether a person is asked before it runs. */
  asks?: boolean
  /** Offered only where the org's setting of this name is on. */
  setting?: 'webTools'
  timeoutMs: number
  /** @throws {ToolError} with what the model should read; every other error is ours */
  run: (input: Input, place: ToolPlace) => Promise<ToolOutcome>
}

/** A tool as the loop calls it: whatever the model wrote as arguments is checked here. */
export interface Tool extends Pick<ToolDefinition<unknown>, 'name' | 'description' | 'asks' | 'setting' | 'timeoutMs'> {
  /** JSON Schema of its arguments. */
  parameters: Record<string, unknown>
  /** @throws {ToolError} for arguments that do not fit, and as `run` */
  call: (argumentsJson: string, place: ToolPlace) => Promise<ToolOutcome>
}

/** A call that did not work out, in words for the model. */
export class ToolError extends Error {
  override name = 'ToolError'
}

export function defineTool<Input>({ input, run, ...tool }: ToolDefinition<Input>): Tool {
  const { $schema: _, ...parameters } = z.toJSONSchema(input, { io: 'input' })
  return { ...tool, parameters, call: async (argumentsJson, place) => run(readArguments(input, argumentsJson), place) }
}

function readArguments<Input>(schema: z.ZodType<Input>, json: string): Input {
  let written: unknown
  try {
    written = JSON.parse(json || '{}')
  } catch (cause) {
    throw new ToolError('The arguments are not valid JSON. Write them again.', { cause })
  }
  const parsed = schema.safeParse(written)
  if (parsed.success) return parsed.data
  throw new ToolError(`The arguments do not fit: ${parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'all'}: ${message}`).join('; ')}.`)
}

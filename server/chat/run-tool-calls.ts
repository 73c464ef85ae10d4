import { and, eq } from 'drizzle-orm'
import { conversations } from '../../db/schema'
import { storeArtifact } from '../artifacts/store-artifact'
import { LoomError } from '../errors'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { ToolDecision } from '../../shared/answers'
import { toStorableText } from '../../shared/json'
import type { ToolCallPart, ToolResultPart } from '../../shared/messages'
import type { PartAssembler, PartEvent } from './assemble-parts'
import type { OfferedTools } from './offer-tools'
import { reportFailure } from './report-failure'
import type { RunningAnswer } from './running-answers'
import type { Tool, ToolOutcome } from './tool'
import { ToolError } from './tool'

/** Calls of one step that are run; a model that asks for more is told. */
const CALLS_MAX = 16
/** The longest result a model reads, in UTF-16 code units. */
const RESULT_MAX = 40_000

export interface ToolRun {
  runtime: Runtime
  answer: RunningAnswer
  assembler: PartAssembler
  tools: OfferedTools
  projectId: string
  scope: Scope
  /** Names of the tools that need not ask here; "always" adds to it. */
  allowed: Set<string>
  publish: (events: readonly PartEvent[]) => void
}

/** Runs the calls of a step side by side and publishes each result as it comes. What they cannot do they tell the model; none of it ends the answer. */
export async function runToolCalls(run: ToolRun, calls: readonly ToolCallPart[]): Promise<void> {
  // Results take their places in the answer one after the other, also those that are stored first.
  let placed = Promise.resolve()
  await Promise.all(calls.map(async (call, index) => {
    const { outcome, ...ran } = index < CALLS_MAX ? await runCall(run, call) : notRun(`Only ${CALLS_MAX} calls are run at once. Call again.`)
    if (run.answer.signal.aborted) return
    placed = placed.then(() => place(run, { toolCallId: call.toolCallId, toolName: call.toolName, ...ran }, outcome))
    await placed
  }))
}

type Ran = Required<Pick<ToolResultPart, 'failed' | 'durationMs' | 'startedAt'>>
type BareResult = Pick<ToolResultPart, 'toolCallId' | 'toolName'> & Ran

function notRun(text: string): Ran & { outcome: ToolOutcome } {
  return { outcome: { text }, failed: true, durationMs: 0, startedAt: new Date().toJSON() }
}

async function place(run: ToolRun, result: BareResult, { text, artifact }: ToolOutcome): Promise<void> {
  const { assembler, publish } = run
  const part: ToolResultPart = { ...result, type: 'tool_result', text: toStorableText(text.slice(0, RESULT_MAX)), index: assembler.nextIndex(), completedAt: new Date().toJSON() }
  publish(assembler.takeWhole(artifact ? await store(run, artifact, part) : part))
}

/** The result with the document it made, or one that says that it could not be kept. */
async function store({ runtime, answer }: ToolRun, artifact: Required<ToolOutcome>['artifact'], part: ToolResultPart): Promise<ToolResultPart> {
  const { orgId, message: { id: messageId, conversationId } } = answer
  try {
    return await storeArtifact(runtime, { orgId, conversationId, messageId, ...artifact }, part)
  } catch (error) {
    if (answer.signal.aborted) throw error
    if (error instanceof LoomError) return { ...part, failed: true, text: error.message }
    reportFailure(runtime, 'chat_tool', error, { orgId, messageId })
    return { ...part, failed: true, text: `${artifact.path} could not be stored on our side.` }
  }
}

/** Its time is the tool's own: however long it waited to be allowed does not count. */
async function runCall(run: ToolRun, call: ToolCallPart): Promise<Ran & { outcome: ToolOutcome }> {
  const { runtime, answer, tools, projectId, scope } = run
  const tool = tools.find(call.toolName)
  if (!tool) return notRun(`There is no tool ${call.toolName}.`)
  if (!await mayRun(run, tool, call)) return notRun('The user did not allow this call.')
  const { orgId, message: { id: messageId, conversationId } } = answer
  const signal = AbortSignal.any([answer.signal, AbortSignal.timeout(tool.timeoutMs)])
  const begun = Date.now()
  const ran = (outcome: ToolOutcome, failed: boolean) => ({ outcome, failed, durationMs: Date.now() - begun, startedAt: new Date(begun).toJSON() })
  try {
    return ran(await tool.call(call.arguments, { runtime, orgId, projectId, scope, conversationId, messageId, signal }), false)
  } catch (error) {
    if (error instanceof ToolError || error instanceof LoomError) return ran({ text: error.message }, true)
    if (!signal.aborted) reportFailure(runtime, 'chat_tool', error, { orgId, messageId })
    return ran({ text: signal.aborted ? `${tool.name} took too long.` : `${tool.name} failed on our side.` }, true)
  }
}

async function mayRun(run: ToolRun, tool: Tool, { index, toolCallId }: ToolCallPart): Promise<boolean> {
  if (!tool.asks || run.allowed.has(tool.name)) return true
  run.publish([{ type: 'approval', index, approval: 'asked' }])
  const decision: ToolDecision = await run.answer.approvals.ask(toolCallId, run.answer.signal)
  if (run.answer.signal.aborted) return false
  if (decision === 'always') await allowAlways(run, tool)
  run.publish([{ type: 'approval', index, approval: decision === 'deny' ? 'denied' : 'allowed' }])
  return decision !== 'deny'
}

async function allowAlways({ runtime: { db: { orm } }, answer: { orgId, message: { conversationId } }, allowed }: ToolRun, { name }: Tool): Promise<void> {
  allowed.add(name)
  await orm.update(conversations).set({ allowedTools: [...allowed] }).where(and(eq(conversations.orgId, orgId), eq(conversations.id, conversationId)))
}

import type { AnswerRequest } from '../../shared/answers'
import type { Runtime } from '../runtime'
import type { ModelParameters } from '../../shared/model-parameters'
import { toRequestFields } from '../../shared/model-parameters'
import { windowOf } from '../../shared/context-window'
import { joinInstructions } from '../../shared/project-files'
import { projectKnowledge } from './project-knowledge'
import { readThread } from './read-thread'
import { sendFiles } from './send-files'
import type { ContextFile, ContextMessage } from './trim-context'
import { trimContext } from './trim-context'

/** Said for the user where an answer is to go on; no message of the thread. */
const GO_ON = 'Go on exactly where your last answer stopped. Do not repeat anything of it and do not comment on this.'

interface Question {
  orgId: string
  projectId: string
  model: string
  instructions: string
  parameters: ModelParameters
  /** The end of the thread: a user's message, or the answer to go on with. */
  parentId: string
  /** Whether the tool calls of the thread are read, too. */
  withTools: boolean
  /** Leaves the bytes of attachments out, for a look at what is asked. */
  withoutBytes?: boolean
}

interface BuiltRequest {
  /** The body of a chat completion. */
  request: AnswerRequest
  /** Questions of the thread, with their answers, that are left out of it: the model could not read them, too. */
  leftOutTurns: number
}

/** What is asked of a model: the instructions, the project's files and as much of the thread as it can read. */
export async function buildRequest(runtime: Pick<Runtime, 'db' | 'catalog' | 'fileStore' | 'log' | 'metrics'>, { orgId, projectId, model, instructions, parameters, parentId, withTools, withoutBytes }: Question): Promise<BuiltRequest> {
  const known = await runtime.catalog.findModel(orgId, model)
  const [{ messages: thread, turnsAbove }, knowledge] = await Promise.all([
    readThread(runtime.db.orm, orgId, parentId, withTools), projectKnowledge(runtime, orgId, projectId, known)
  ])
  if (thread.at(-1)?.role === 'assistant') thread.push({ role: 'user', content: GO_ON })
  handPicturesOn(thread)
  const opening = { instructions: joinInstructions([instructions, knowledge.text]), shown: knowledge.shown }
  const { messages, leftOutTurns } = trimContext(opening, thread, windowOf(known))
  const sent = await sendFiles(runtime, orgId, opening.shown, messages, { vision: known?.vision ?? null, withoutBytes: withoutBytes === true })
  return { request: { model, messages: sent, stream: true, ...toRequestFields(parameters) }, leftOutTurns: turnsAbove + leftOutTurns }
}

/** Providers take pictures from users alone: one that an answer made comes with the question after it. */
function handPicturesOn(thread: readonly ContextMessage[]): void {
  let made: ContextFile[] = []
  for (const message of thread) {
    if (message.role === 'assistant' && message.files) {
      made.push(...message.files)
      message.content = [message.content, `[Pictures you made, shown with the next message: ${message.files.map(({ name }) => name).join(', ')}]`].filter(Boolean).join('\n\n')
      delete message.files
    } else if (message.role === 'user' && made.length > 0) {
      message.files = [...made, ...message.files ?? []]
      made = []
    }
  }
}

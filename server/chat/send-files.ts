import { and, eq, inArray } from 'drizzle-orm'
import { files } from '../../db/schema'
import { NothingKeptError } from '../files/file-store'
import type { Runtime } from '../runtime'
import type { RequestMessage } from '../../shared/answers'
import { shortCallId } from '../gateway/providers/tool-use-id'
import { reportFailure } from './report-failure'
import { toRequestCall } from './request-call'
import type { ContextFile, ContextMessage } from './trim-context'

/** Of what is shown of the project, and then of the newest attachments, so many bytes go out with a question; older ones are named. What a call's body may be is bounded by providers too. */
const BYTES_MAX = 20 * 1024 * 1024

interface Sight {
  /** Whether the model sees images; null: not known, so it is tried. */
  vision: boolean | null
  withoutBytes: boolean
}

type Content = Exclude<RequestMessage['content'], string | null>[number]

/**
 * The messages as a chat completion has them: with their texts, images and PDFs inside, the newest first while there is room. What is `shown` of the
 * project stands before the first question, so that a provider's prompt cache finds each call to begin as the one before it.
 */
export async function sendFiles(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>, orgId: string, shown: readonly ContextFile[], messages: readonly ContextMessage[], sight: Sight): Promise<RequestMessage[]> {
  const keys = await findKeys(runtime, orgId, [...shown, ...messages.flatMap(({ files: attached = [] }) => attached)].map(({ fileId }) => fileId))
  const firstQuestion = messages.find(({ role }) => role === 'user')
  let left = BYTES_MAX
  async function take(file: ContextFile): Promise<Content> {
    const key = keys.get(file.fileId)
    left -= file.sizeBytes
    return key === undefined || left < 0 ? told(file, 'is left out: it is too long ago') : toContent(runtime, orgId, file, key, sight)
  }
  const before: Content[] = []
  for (const file of shown) before.push(await take(file))
  const sent: RequestMessage[] = []
  for (const message of messages.toReversed()) {
    const { role, content, files: attached = [], calls, toolCallId } = message
    const parts = message === firstQuestion ? [...before] : []
    for (const file of attached) parts.push(await take(file))
    if (calls) sent.push({ role, content: content || null, tool_calls: calls.map(toRequestCall) })
    else if (toolCallId !== undefined) sent.push({ role, content, tool_call_id: shortCallId(toolCallId) })
    else sent.push(parts.length === 0 ? { role, content } : { role, content: [...parts, ...content === '' ? [] : [{ type: 'text' as const, text: content }]] })
  }
  return sent.toReversed()
}

async function findKeys({ db: { orm } }: Pick<Runtime, 'db'>, orgId: string, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await orm.select({ id: files.id, storageKey: files.storageKey }).from(files).where(and(eq(files.orgId, orgId), inArray(files.id, ids)))
  return new Map(rows.map(({ id, storageKey }) => [id, storageKey]))
}

async function toContent(runtime: Pick<Runtime, 'fileStore' | 'log' | 'metrics'>, orgId: string, file: ContextFile, key: string, { vision, withoutBytes }: Sight): Promise<Content> {
  const { name, mime } = file
  const isText = mime.startsWith('text/')
  if (!isText && vision === false) return told(file, 'was attached, but you cannot see it')
  if (!isText && file.refused) return told(file, 'was attached, but the question with it was refused')
  const bytes = withoutBytes ? undefined : await readBytes(runtime, orgId, file, key)
  if (bytes === 'gone') return told(file, 'cannot be read any more')
  if (isText) return { type: 'text', text: `<file name=${JSON.stringify(name)}>\n${bytes?.toString('utf8') ?? '…'}\n</file>` }
  const data = `data:${mime};base64,${bytes?.toString('base64') ?? '…'}`
  return mime === 'application/pdf' ? { type: 'file', file: { filename: name, file_data: data } } : { type: 'image_url', image_url: { url: data } }
}

/** A file without its bytes (a database that came back without its files) must not fail every question of its conversation. */
async function readBytes(runtime: Pick<Runtime, 'fileStore' | 'log' | 'metrics'>, orgId: string, { fileId }: ContextFile, key: string): Promise<Buffer | 'gone'> {
  try {
    return await runtime.fileStore.read(key)
  } catch (error) {
    if (!(error instanceof NothingKeptError)) throw error
    reportFailure(runtime, 'chat_file', error, { orgId, fileId })
    return 'gone'
  }
}

function told({ name }: ContextFile, what: string): Content {
  return { type: 'text', text: `[The file ${JSON.stringify(name)} ${what}.]` }
}

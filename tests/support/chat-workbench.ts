import { Conversation } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import type { Message } from '../../shared/messages'
import { ProjectPage } from '../../shared/projects'
import { applyChatEvent } from '../../shared/apply-chat-event'
import { ChatClient } from './chat-client'
import { startMockUpstream } from './mock-upstream'
import type { MockUpstream } from './mock-upstream'
import { mockModel } from './mock-upstream/behaviour'
import type { MockBehaviourInput } from './mock-upstream/behaviour'
import type { LoomServer } from './loom-server'
import { setUpLoom } from './set-up-loom'
import type { Session } from './set-up-loom'
import { startLoom } from './start-loom'

/** The model that behaves so, through the platform's OpenAI connection. */
export const mock = (behaviour: MockBehaviourInput) => `openai/${mockModel(behaviour)}`
export const quickModel = mock({ text: 'Fine.' })
/** Takes twenty seconds: longer than any test watches. */
export const slowModel = mock({ chunks: 2_000, chunkIntervalMs: 10 })

/** A server with a mock provider and its administrator signed in. */
export interface ChatWorkbench {
  loom: LoomServer
  upstream: MockUpstream
  ada: ChatClient
  session: Session
  remove: () => Promise<void>
}

export async function startChatWorkbench(env: Record<string, string> = {}): Promise<ChatWorkbench> {
  const upstream = await startMockUpstream()
  const loom = await startLoom({ env: { OPENAI_API_KEY: 'sk-mock', OPENAI_BASE_URL: upstream.baseUrl, NEW_ORG_WALLET: 'unlimited', UPSTREAM_RETRIES: '0', ...env } })
  const remove = async () => {
    await loom.remove()
    await upstream.stop()
  }
  const session = await setUpLoom(loom)
  return { loom, upstream, ada: new ChatClient(loom, session), session, remove }
}

/** In the project last used. */
export async function newConversation(client: ChatClient, model: string): Promise<Conversation> {
  const { projects } = ProjectPage.parse(await client.get('/projects'))
  return Conversation.parse(await client.post(`/projects/${projects[0]?.id}/conversations`, { model }))
}

export async function readConversation(client: ChatClient, { id }: Conversation): Promise<Conversation> {
  return Conversation.parse(await client.get(`/conversations/${id}`))
}

export async function readMessages(client: ChatClient, { id }: Conversation): Promise<Message[]> {
  return MessagePage.parse(await client.get(`/conversations/${id}/messages`)).messages
}

/** Starts an answer and leaves it once `enough` of it has been read. */
export async function leaveAfter(client: ChatClient, conversation: Conversation, enough: (message: Message) => boolean): Promise<Message | undefined> {
  let message: Message | undefined
  for await (const { event } of client.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Tell me much.' })) {
    message = applyChatEvent(message, event)
    if (message && enough(message)) return message
  }
  return message
}

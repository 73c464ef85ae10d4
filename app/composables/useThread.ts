import type { AnswerAgain, ToolDecision } from '#shared/answers'
import type { ChatEvent } from '#shared/chat-events'
import type { Conversation } from '#shared/conversations'
import type { Feedback, Message, MessagePage } from '#shared/messages'
import { useAnswer } from '~/composables/useAnswer'
import { useApi } from '~/composables/useApi'
import { useConversationList } from '~/composables/useConversationList'
import type { AttachedFile } from '~/utils/attached-file'
import type { ApiError } from '~/utils/api-error'
import { toApiError } from '~/utils/api-error'
import { anyReply } from '~/utils/any-reply'
import { oneAfterAnother } from '~/utils/one-after-another'
import { until } from '@vueuse/core'

/** What a person wrote that has not reached the server's timeline yet. */
export interface OutgoingMessage {
  /** Names it to the server, which stores it once however often it is sent. */
  clientId: string
  text: string
  model: string | undefined
  files?: readonly AttachedFile[]
  /** Whether the answer may call tools. */
  tools?: boolean
  /** The answer it follows instead of the last one: it stands beside the messages that follow it already. */
  parentId?: string | null
}

const pageContract = async () => (await import('#shared/messages')).MessagePage

/** A branch as far as it is read: its newest messages, and where the older ones of it go on. */
interface Branch {
  messages: Message[]
  olderCursor: string | null
}

/**
 * One conversation on the screen: its settled messages, the answer being written below them, and what can be done with
 * both. Settled messages are never touched while an answer streams.
 */
export function useThread(conversation: Ref<Conversation>) {
  const { t } = useI18n()
  const api = useApi()
  const list = useConversationList(() => conversation.value.projectId)
  const path = `/api/conversations/${conversation.value.id}`

  const own = shallowRef<Branch>({ messages: [], olderCursor: null })
  /** Another branch, which this reader alone looks at. Behind it all goes on. */
  const look = shallowRef<Branch>()
  const looking = computed(() => look.value !== undefined)
  /** Counts where the reader turns: of two messages on the way to the screen, the later one arrives, and none once they have turned elsewhere. */
  let turn = 0
  /** The end of the page's own branch, whatever is looked at. */
  const newest = computed(() => own.value.messages.at(-1))
  const olderCursor = computed(() => (look.value ?? own.value).olderCursor)
  const outgoing = shallowRef<OutgoingMessage>()
  const failure = shallowRef<ApiError>()
  const working = ref(0)
  /** An answer is asked for or being written. */
  const busy = computed(() => working.value > 0)

  const answer = useAnswer(conversation.value.id, settle)

  function settle(event: ChatEvent) {
    if (event.type !== 'message' && event.type !== 'done' && event.type !== 'error') return
    conversation.value = event.conversation
    standing.value = event.conversation
    list.put(event.conversation)
    if (event.type === 'message') {
      outgoing.value = undefined
      own.value = { ...own.value, messages: [...beforeBranch(own.value.messages, (event.userMessage ?? event.message).parentId), ...(event.userMessage ? [event.userMessage] : [])] }
    } else {
      own.value = { ...own.value, messages: [...beforeBranch(own.value.messages, event.message.parentId), event.message] }
    }
  }

  let unfinished: Message | undefined
  /** The conversation as it stands on the screen, which is not told of all that goes on elsewhere. */
  const standing = shallowRef(conversation.value)

  const read = (query?: { before?: string, through?: string, limit?: number }) => api(pageContract(), `${path}/messages`, { query })

  /** Reads the conversation with its newest messages again. @throws {ApiError} */
  const load = async () => take(await read())

  /** The end of a branch; what stands above it stays. */
  function take(page: MessagePage) {
    conversation.value = page.conversation
    standing.value = page.conversation
    const { messages, olderCursor } = own.value
    const at = messages.findIndex(({ id }) => id === page.messages[0]?.id)
    own.value = { messages: [...messages.slice(0, Math.max(at, 0)), ...page.messages.filter(message => !isRunning(message))], olderCursor: at === -1 ? page.nextCursor : olderCursor }
    unfinished = page.messages.find(isRunning)
  }

  /** Shows what was asked elsewhere since, and goes on with the answer to it; not while something is asked here, or waits to be tried again. */
  async function catchUp({ lastActiveAt }: Conversation) {
    const waits = () => busy.value || outgoing.value !== undefined
    if (waits() || lastActiveAt <= standing.value.lastActiveAt) return
    try {
      const page = await read()
      if (waits()) return
      take(page)
    } catch (error) {
      console.warn('What went on elsewhere could not be read', error)
      return
    }
    await goOn()
  }

  const loadOlder = () => extend(look.value ? look : own)

  async function extend(branch: typeof own | typeof look, limit?: number) {
    const before = branch.value?.olderCursor
    if (!before) return
    const page = await read({ before, limit })
    // Unless they have been read meanwhile, or the reader has turned to another branch.
    if (branch.value?.olderCursor === before) branch.value = { messages: [...page.messages, ...branch.value.messages], olderCursor: page.nextCursor }
  }

  /** Shows everybody the branch through another message. @throws {ApiError} */
  async function show(messageId: string) {
    const page = await api(pageContract(), `${path}/messages/${messageId}/show`, { method: 'POST', query: { limit: 200 } })
    leaveLook()
    take(page)
  }

  /** Shows this reader the branch through another message, and nobody else. @throws {ApiError} */
  async function lookAt(messageId: string) {
    const mine = ++turn
    const branch = await readBranch(messageId)
    if (mine === turn) look.value = branch
  }

  /** The newest messages of the branch through another one; not an answer that is being written: it would stand still. */
  async function readBranch(messageId: string): Promise<Branch> {
    const { messages, nextCursor } = await read({ through: messageId, limit: 200 })
    return { messages: messages.filter(message => !isRunning(message)), olderCursor: nextCursor }
  }

  /** Back to the branch that the page shows. */
  function leaveLook() {
    turn += 1
    look.value = undefined
  }

  /** What is looked at is what the page shows from now on, and what is asked follows its end: that message's id. Undefined where nothing is looked at. */
  function stay(): string | undefined {
    const chosen = look.value
    leaveLook()
    if (!chosen) return undefined
    own.value = chosen
    return own.value.messages.at(-1)?.id
  }

  /** Brings a message into the thread: older pages until it is there, a look at another branch where it is on that. False when the reader has turned elsewhere meanwhile. @throws {ApiError} */
  async function reach(messageId: string): Promise<boolean> {
    const isIn = (branch: Branch | undefined) => branch?.messages.some(({ id }) => id === messageId) === true
    /** Ids order a branch: above a message that is older, it is not. */
    const isAbove = ({ messages: [first], olderCursor }: Branch) => olderCursor !== null && (first === undefined || first.id > messageId)
    const first = ++turn
    if (isIn(look.value)) return true
    while (!isIn(own.value) && isAbove(own.value)) {
      await extend(own, 200)
      if (first !== turn) return false
    }
    if (isIn(own.value)) {
      leaveLook()
      return true
    }
    const looked = lookAt(messageId)
    const second = turn
    await looked
    while (second === turn && look.value && !isIn(look.value) && isAbove(look.value)) await extend(look, 200)
    return second === turn
  }

  /** Keeps what the reader thinks of an answer, on the screen at once. @throws {ApiError} when it was not kept; then it is as before */
  const ratingInTurn = oneAfterAnother()
  async function rate(message: Message, feedback: Feedback | null) {
    const put = (given: Feedback | null) => {
      const rated = (branch: Branch): Branch => ({ ...branch, messages: branch.messages.map(other => other.id === message.id ? { ...other, feedback: given } : other) })
      own.value = rated(own.value)
      look.value &&= rated(look.value)
    }
    put(feedback)
    try {
      await ratingInTurn(() => api(anyReply(), `${path}/messages/${message.id}/feedback`, { method: 'PUT', body: { rating: feedback?.rating ?? null, comment: feedback?.comment ?? '' } }))
      // One before it may have failed meanwhile.
      put(feedback)
    } catch (error) {
      put(message.feedback)
      throw error
    }
  }

  /** A conversation that goes on from a message of this one. @throws {ApiError} */
  const branchOff = (messageId: string, summary: boolean, model?: string) => api(import('#shared/conversations').then(({ Conversation }) => Conversation), `${path}/messages/${messageId}/branch-off`, { method: 'POST', body: { summary, model } })

  /** The messages that hold these words, on whatever branch; those on the shown one last. @throws {ApiError} */
  const find = async (q: string) => (await api(import('#shared/conversations').then(({ ThreadSearchResult }) => ThreadSearchResult), `${path}/search`, { query: { q } })).messageIds

  /** The call behind an answer. @throws {ApiError} */
  const readRequest = (message: Message) => api(import('#shared/answers').then(({ AnswerRequest }) => AnswerRequest), `${path}/messages/${message.id}/request`)

  /** Follows an answer to its end; when that was missed on the way, the thread is read again. */
  async function see(work: () => Promise<boolean>): Promise<void> {
    failure.value = undefined
    working.value += 1
    try {
      if (await work()) return
      await load()
      await goOn()
    } catch (thrown) {
      failure.value = toApiError(thrown, t)
    } finally {
      working.value -= 1
    }
  }

  /** Goes on with the answer that was being written when the thread was read, if any. */
  async function goOn(): Promise<void> {
    const partial = unfinished
    unfinished = undefined
    if (partial) await see(() => answer.attach(partial))
  }

  async function send(message: OutgoingMessage) {
    outgoing.value = message
    await see(() => deliver(message))
  }

  /** Sends a message once more whose fate is not known: it may have arrived, and others before it. */
  async function resend(message: OutgoingMessage) {
    outgoing.value = message
    await see(async () => {
      await load()
      const { parentId } = message
      if (parentId && !own.value.messages.some(({ id }) => id === parentId)) own.value = await readBranch(parentId)
      return deliver(message)
    })
  }

  /** False also when the message had arrived before: it is in the thread then. */
  async function deliver(message: OutgoingMessage): Promise<boolean> {
    const ended = await answer.ask(`${path}/messages`, toBody({ ...message, parentId: message.parentId === undefined ? lastSeenAnswer() : message.parentId }))
    outgoing.value = undefined
    return ended
  }

  /** What a question follows: the branch on this screen may not be the one that was shown last elsewhere. Undefined where the thread ends without an answer: the server knows. */
  function lastSeenAnswer(): string | undefined {
    return newest.value?.role === 'assistant' ? newest.value.id : undefined
  }

  const retry = (message: Message, chosen: AnswerAgain) => see(() => answer.ask(`${path}/messages/${message.id}/retry`, chosen))
  const proceed = (message: Message, chosen: AnswerAgain) => see(() => answer.ask(`${path}/messages/${message.id}/continue`, chosen))
  const decide = (toolCallId: string, decision: ToolDecision) => api(anyReply(), `${path}/decisions`, { method: 'POST', body: { toolCallId, decision } })

  /** Stops the answer; one that was asked for and is not stored yet, as soon as it is. @throws {ApiError} */
  async function stop() {
    const begun = await until(() => answer.message.value?.id ?? !busy.value).toBeTruthy()
    if (typeof begun === 'string') await api(import('#shared/answers').then(({ StopResult }) => StopResult), `${path}/stop`, { method: 'POST' })
  }

  /** Takes a message back that was not sent. */
  function discard() {
    outgoing.value = undefined
    failure.value = undefined
  }

  /** What stands on the screen: while an edited message is on its way, nothing of the branch it leaves. */
  const shown = computed(() => {
    if (look.value) return look.value.messages
    return outgoing.value?.parentId === undefined ? own.value.messages : beforeBranch(own.value.messages, outgoing.value.parentId)
  })

  return { shown, newest, looking, lookAt, leaveLook, stay, standing, olderCursor, outgoing, failure, answer, busy, take, load, goOn, catchUp, loadOlder, send, resend, retry, proceed, show, reach, rate, branchOff, find, readRequest, decide, stop, discard }
}

export type Thread = ReturnType<typeof useThread>

const toBody = ({ files, ...message }: OutgoingMessage) => ({ ...message, fileIds: files?.map(({ fileId }) => fileId) })

const isRunning = (message: Message) => message.status === 'pending' || message.status === 'streaming'

/** The thread down to where it goes on from `parentId`, without what follows there now. */
function beforeBranch(messages: Message[], parentId: string | null): Message[] {
  const branch = messages.findIndex(message => message.parentId === parentId)
  return branch === -1 ? messages : messages.slice(0, branch)
}

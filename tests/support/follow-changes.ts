import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { ChangesQuery } from '../../shared/conversation-changes'
import { ConversationChange } from '../../shared/conversation-changes'
import type { ChatClient } from './chat-client'

/** What somebody is told who looks at a project. Resolves once the server tells them of whatever happens from then on. */
export async function followChanges(client: ChatClient, projectId: string, query: ChangesQuery = {}) {
  const leaving = new AbortController()
  const named = Object.entries(query).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
  const response = await client.fetch('GET', `/projects/${projectId}/changes?${new URLSearchParams(named)}`, undefined, leaving.signal)
  if (response.status !== 200 || !response.body) throw new Error(`The changes of a project answered ${response.status}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader()
  const next = async () => {
    const { value } = await reader.read()
    return value && ConversationChange.parse(JSON.parse(value.data))
  }
  return {
    /** The next change; undefined when the server has ended the stream. */
    next,
    /** All up to the next that `isIt` says to be it, which is the last of them: what happened before somebody looked may be told late. */
    until: async (isIt: (change: ConversationChange) => boolean) => {
      const told: ConversationChange[] = []
      for (let change = await next(); change; change = await next()) {
        told.push(change)
        if (isIt(change)) return told
      }
      throw new Error('The stream was ended before that')
    },
    leave: () => leaving.abort()
  }
}

import { EventSourceParserStream } from 'eventsource-parser/stream'
import { ChatEvent } from '../../shared/chat-events'
import type { Message } from '../../shared/messages'
import { applyChatEvent } from '../../shared/apply-chat-event'
import type { LoomServer } from './loom-server'
import type { Session } from './set-up-loom'

export interface ApiAnswer {
  status: number
  /** Parsed JSON; undefined when there is none. */
  body: unknown
}

/** One event as it came over the wire. */
export interface StreamedEvent {
  id: number
  event: ChatEvent
}

/** The browser API as one signed-in person uses it, or one key. */
export class ChatClient {
  constructor(private readonly loom: LoomServer, private readonly credentials: Session | { authorization: string }) {}

  async call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer> {
    const response = await this.fetch(method, path, body, undefined, headers)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** Fails the test unless the answer is a success. */
  async get(path: string): Promise<unknown> {
    return this.expectOk('GET', path)
  }

  async post(path: string, body: unknown = {}): Promise<unknown> {
    return this.expectOk('POST', path, body)
  }

  /** The events of an answer as they arrive; ending the loop early closes the connection, as leaving the page does. */
  async* events(method: 'GET' | 'POST', path: string, body?: unknown, headers?: Record<string, string>): AsyncGenerator<StreamedEvent> {
    const leave = new AbortController()
    const response = await this.fetch(method, path, body, leave.signal, headers)
    if (response.status !== 200 || !response.body) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
    try {
      for await (const { id, data } of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())) {
        yield { id: Number(id), event: ChatEvent.parse(JSON.parse(data)) }
      }
    } finally {
      leave.abort()
    }
  }

  /** Reads an answer to its end: the events, and the message they add up to. */
  async readAll(method: 'GET' | 'POST', path: string, body?: unknown, headers?: Record<string, string>): Promise<{ events: StreamedEvent[], message: Message | undefined }> {
    const events: StreamedEvent[] = []
    for await (const item of this.events(method, path, body, headers)) events.push(item)
    return { events, message: events.reduce<Message | undefined>((message, { event }) => applyChatEvent(message, event), undefined) }
  }

  fetch(method: string, path: string, body?: unknown, signal?: AbortSignal, headers?: Record<string, string>): Promise<Response> {
    return fetch(`${this.loom.url}/api${path}`, {
      method,
      signal,
      headers: { ...this.credentials, 'content-type': 'application/json', 'origin': this.loom.url, ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    })
  }

  private async expectOk(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.call(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
}

/** The text of a message, without its reasoning and errors. */
export function textOf(message: Message | undefined): string {
  return message?.parts.map(part => part.type === 'text' ? part.text : '').join('') ?? ''
}

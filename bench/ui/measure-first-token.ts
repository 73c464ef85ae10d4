import type { ChatClient } from '../../tests/support/chat-client'
import { StopResult } from '../../shared/answers'
import { startScript } from '../processes'
import { seedConversation } from './seed-conversations'

export const STREAMS = 100

export interface FirstTokens { aloneMs: number[], crowdedMs: number[] }

/**
 * Milliseconds from sending a message to the first text of its answer, on the browser's own stream, in turn alone on the server and while
 * `STREAMS` other answers are being written to readers of theirs. Readers and model are processes of their own.
 */
export async function measureFirstToken(chat: ChatClient, { url, cookie }: { url: string, cookie: string }, databaseUrl: string, rounds: number, answers: number): Promise<FirstTokens> {
  const crowd: string[] = []
  while (crowd.length < STREAMS) crowd.push((await seedConversation(databaseUrl, 2)).id)
  const took: FirstTokens = { aloneMs: [], crowdedMs: [] }
  await firstTokens(chat, databaseUrl, answers)
  for (let round = 0; round < rounds; round++) {
    took.aloneMs.push(...await firstTokens(chat, databaseUrl, answers))
    const readers = await startScript('ui/read-streams.ts', [url, cookie, ...crowd])
    took.crowdedMs.push(...await firstTokens(chat, databaseUrl, answers))
    const ends = await Promise.all(crowd.map(async id => StopResult.parse(await chat.post(`/conversations/${id}/stop`))))
    readers.stop()
    if (!ends.every(({ stopped }) => stopped)) throw new Error('Not all streams ran to the end of the round')
  }
  return took
}

/** Of that many answers, one after the other, in a new conversation. */
async function firstTokens(chat: ChatClient, databaseUrl: string, answers: number): Promise<number[]> {
  const { id } = await seedConversation(databaseUrl, 2)
  const took: number[] = []
  while (took.length < answers) {
    const sentAt = performance.now()
    let firstAfterMs: number | undefined
    for await (const { event } of chat.events('POST', `/conversations/${id}/messages`, { text: 'And then?', model: 'brief' })) {
      if (event.type === 'part') firstAfterMs ??= performance.now() - sentAt
    }
    if (firstAfterMs === undefined) throw new Error('An answer said nothing')
    took.push(firstAfterMs)
  }
  return took
}

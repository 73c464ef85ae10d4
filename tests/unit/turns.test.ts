import { expect, test } from 'vitest'
import { Turns } from '../../server/chat/turns'
import { ToolError } from '../../server/chat/tool'

/** Work that ends when it is told to, and notes that it began. */
function workshop() {
  const began: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () => {
    began.push(name)
    return new Promise<string>(resolve => ends.set(name, () => resolve(name)))
  }
  return { began, work, end: (name: string) => ends.get(name)?.() }
}

const forever = () => new AbortController().signal

test('an org that has nothing running is next, however many of another wait', async () => {
  const turns = new Turns(2, 32)
  const { began, work, end } = workshop()
  const busy = ['a1', 'a2', 'a3', 'a4'].map(name => turns.run('busy', forever(), work(name)))
  const other = turns.run('other', forever(), work('b1'))
  expect(began).toEqual(['a1', 'a2'])
  end('a1')
  await expect.poll(() => began).toEqual(['a1', 'a2', 'b1'])
  for (const name of ['b1', 'a2']) end(name)
  expect(await other).toBe('b1')
  await expect.poll(() => began).toEqual(['a1', 'a2', 'b1', 'a3', 'a4'])
  for (const name of ['a3', 'a4']) end(name)
  expect(await Promise.all(busy)).toEqual(['a1', 'a2', 'a3', 'a4'])
})

test('an org has so many waiting and no more; another may wait all the same', async () => {
  const turns = new Turns(1, 2)
  const { began, work, end } = workshop()
  const all = ['a1', 'a2', 'a3'].map(name => turns.run('busy', forever(), work(name)))
  await expect(turns.run('busy', forever(), work('a4'))).rejects.toThrow(ToolError)
  all.push(turns.run('other', forever(), work('b1')))
  for (const name of ['a1', 'a2', 'a3', 'b1']) {
    await expect.poll(() => began).toContain(name)
    end(name)
  }
  expect((await Promise.all(all)).sort()).toEqual(['a1', 'a2', 'a3', 'b1'])
})

test('waiting ends with its signal, and leaves its place to others', async () => {
  const turns = new Turns(1, 1)
  const { began, work, end } = workshop()
  const leave = new AbortController()
  const first = turns.run('org', forever(), work('first'))
  const left = turns.run('org', leave.signal, work('left'))
  leave.abort()
  await expect(left).rejects.toThrow(ToolError)
  await expect(turns.run('org', AbortSignal.abort(), work('too late'))).rejects.toThrow(ToolError)
  const next = turns.run('org', forever(), work('next'))
  end('first')
  await first
  await expect.poll(() => began).toEqual(['first', 'next'])
  end('next')
  expect(await next).toBe('next')
})

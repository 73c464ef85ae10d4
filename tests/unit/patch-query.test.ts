import { describe, expect, test } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { patchQueryOf } from '../../app/utils/patch-query'

async function openKeys() {
  const router = createRouter({ history: createMemoryHistory(), routes: ['/keys', '/members'].map(path => ({ path, component: {} })) })
  await router.push('/keys')
  const patchQuery = patchQueryOf(router)

  /** Goes somewhere, and is under way until the test says how it ends. */
  async function go(path: string) {
    const begun = Promise.withResolvers<undefined>()
    const may = Promise.withResolvers<boolean>()
    const unhook = router.beforeEach(() => {
      unhook()
      begun.resolve(undefined)
      return may.promise
    })
    const ended = router.push(path).catch((error: unknown) => error)
    await begun.promise
    return { ended, arrive: () => may.resolve(true), refuse: () => may.resolve(false), fail: () => may.reject(new Error('The page could not be loaded')) }
  }
  return { router, patchQuery, go, current: () => router.currentRoute.value.fullPath }
}

describe('a change of the query', () => {
  test('made at once with another holds, as the other does', async () => {
    const { patchQuery, current } = await openKeys()
    await Promise.all([patchQuery('/keys', { search: undefined, status: 'active' }), patchQuery('/keys', { search: 'ci' })])
    expect(current()).toBe('/keys?status=active&search=ci')
  })

  test('made while the same page gets another query holds, as that does', async () => {
    const { patchQuery, go, current } = await openKeys()
    const { ended, arrive } = await go('/keys?tab=all')
    const changed = patchQuery('/keys', { search: 'ci' })
    arrive()
    await Promise.all([ended, changed])
    expect(current()).toBe('/keys?tab=all&search=ci')
  })

  test('that something else came between is made again', async () => {
    const { router, patchQuery, current } = await openKeys()
    const between = Promise.withResolvers<unknown>()
    const unhook = router.beforeEach(async () => {
      unhook()
      between.resolve(router.push('/keys?tab=all'))
      await between.promise
    })
    await patchQuery('/keys', { search: 'ci' })
    expect(current()).toBe('/keys?tab=all&search=ci')
  })

  test('keeps nobody from another page, and does not follow there', async () => {
    const { patchQuery, go, current } = await openKeys()
    const { ended, arrive } = await go('/members')
    const changed = patchQuery('/keys', { search: 'ci' })
    arrive()
    await Promise.all([ended, changed, patchQuery('/keys', { search: 'ci' })])
    expect(current()).toBe('/members')
  })

  test.each(['refuse', 'fail'] as const)('holds where another page was asked for, to %s', async (how) => {
    const { patchQuery, go, current } = await openKeys()
    const visit = await go('/members')
    const changed = patchQuery('/keys', { search: 'ci' })
    visit[how]()
    await Promise.all([visit.ended, changed])
    expect(current()).toBe('/keys?search=ci')
  })

  test('to what stands there already leaves the next one its turn', async () => {
    const { patchQuery, current } = await openKeys()
    await patchQuery('/keys', { search: undefined })
    await patchQuery('/keys', { search: 'ci' })
    expect(current()).toBe('/keys?search=ci')
  })
})

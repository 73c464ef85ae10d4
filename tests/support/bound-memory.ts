import { afterEach, beforeEach, expect } from 'vitest'
import { MEGABYTE } from './hostile-answers'
import type { LoomServer } from './loom-server'
import { watchMemory } from './watch-memory'

/** What is held of an answer, what is made of it, and what is not collected yet; a copy of a gigabyte has no room in it. */
const MOST_GROWTH_MB = 400

/** Fails each test here during which the memory that a server has in RAM grows as it would with a copy of a gigabyte. */
export function boundMemory(server: () => LoomServer): void {
  let growth: () => Promise<number>
  beforeEach(async () => {
    growth = await watchMemory(server())
  })
  afterEach(async () => {
    expect(await growth() / MEGABYTE, 'megabytes that the memory grew by').toBeLessThan(MOST_GROWTH_MB)
  })
}

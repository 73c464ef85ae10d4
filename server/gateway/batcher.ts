import { setImmediate as turn } from 'node:timers/promises'

/**
 * Gathers while it works: whatever arrives in one turn of the event loop, or while a batch is in flight, goes together as
 * the next. No timers, so at low load an item waits for nothing, and batches grow with the load.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = []
  private flying: Promise<void> | undefined

  /**
   * @param flush handles a batch in one go; answers in the items' order. When it throws, every item of the batch is rejected with that error.
   * @param maxSize items a batch, so that one statement stays bounded
   * @param isItemFault whether an error is some item's own fault: the batch is then halved until that item fails alone, for its
   * neighbours are other tenants' calls
   */
  constructor(
    private readonly flush: (items: Item[]) => Promise<Result[]>,
    private readonly maxSize: number,
    private readonly isItemFault: (error: unknown) => boolean = () => false
  ) {}

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject })
      this.flying ??= this.fly()
    })
  }

  /** Resolves when everything added so far has been handled. */
  async drain(): Promise<void> {
    while (this.flying) await this.flying
  }

  private async fly(): Promise<void> {
    while (this.waiting.length > 0) {
      await turn()
      await this.settle(this.waiting.splice(0, this.maxSize))
    }
    this.flying = undefined
  }

  private async settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.flush(batch.map(entry => entry.item))
      if (results.length !== batch.length) throw new Error(`A batch of ${batch.length} was answered with ${results.length}`)
      batch.forEach((entry, index) => entry.resolve(results[index] as Result))
    } catch (error) {
      if (batch.length === 1 || !this.isItemFault(error)) {
        for (const entry of batch) entry.reject(error)
        return
      }
      const half = Math.ceil(batch.length / 2)
      await this.settle(batch.slice(0, half))
      await this.settle(batch.slice(half))
    }
  }
}

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

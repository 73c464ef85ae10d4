/** Runs what it is given one after the other: each begins when the one before has ended, however that was. */
export function oneAfterAnother() {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}

import type { Orm } from './client'

/**
 * What `prepare` makes on a database, made once for each: writing a query out takes longer than sending it, which shows where every request makes the same one.
 * A transaction is a database of its own here: it prepares for itself.
 */
export function prepareOnce<Prepared>(prepare: (orm: Orm) => Prepared): (orm: Orm) => Prepared {
  const prepared = new WeakMap<Orm, Prepared>()
  return (orm) => {
    const known = prepared.get(orm) ?? prepare(orm)
    prepared.set(orm, known)
    return known
  }
}

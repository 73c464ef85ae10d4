import type { Sql, TransactionSql } from 'postgres'
import { DatabaseSilentError, withinDeadline } from './within-deadline'

type Transaction = TransactionSql<{ bigint: bigint }>
type Work = (transaction: Transaction) => Promise<unknown>

/**
 * Gives each statement of `sql`, in a transaction and out of it, a deadline of ours: a server that is frozen, or a network that swallows
 * packets, ends nothing by itself, and a page must not wait for it for ever. Past it the statement fails with a
 * `DatabaseSilentError`; whether it took effect is unknown, as after any lost connection.
 * @param onAbandoned told how a transaction failed that was given up before
 */
export function boundStatements(sql: Sql<{ bigint: bigint }>, deadlineMs: number, onAbandoned: (error: unknown) => void): void {
  const begin = sql.begin.bind(sql)
  boundUnsafe(sql, deadlineMs)
  Object.assign(sql, {
    begin: async (work: Work) => {
      const progress = { givenUp: false }
      const [begun, worked] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
      const outcome = begin(async (transaction) => {
        begun.resolve(undefined)
        // Whoever asked was told that it failed.
        if (progress.givenUp) throw new DatabaseSilentError('The transaction began too late')
        try {
          return await work(boundTransaction(transaction, deadlineMs))
        } finally {
          worked.resolve(undefined)
        }
      })
      outcome.catch((error: unknown) => {
        // Else it is heard below.
        if (progress.givenUp) onAbandoned(error)
      })
      const wait = async <T>(step: Promise<T>) => {
        try {
          return await withinDeadline(deadlineMs, step)
        } catch (error) {
          progress.givenUp = error instanceof DatabaseSilentError
          throw error
        }
      }
      await wait(Promise.race([begun.promise, outcome]))
      await Promise.race([worked.promise, outcome])
      return wait(outcome)
    }
  })
}

function boundTransaction(transaction: Transaction, deadlineMs: number): Transaction {
  boundUnsafe(transaction, deadlineMs)
  const savepoint = transaction.savepoint.bind(transaction)
  return Object.assign(transaction, { savepoint: (nested: Work) => savepoint(inner => nested(boundTransaction(inner, deadlineMs))) })
}

/** A statement is sent when it is first awaited, and so is its deadline set. */
function boundUnsafe(sql: Pick<Transaction, 'unsafe'>, deadlineMs: number): void {
  const unsafe = sql.unsafe.bind(sql)
  Object.assign(sql, {
    unsafe: (...parameters: Parameters<typeof unsafe>) => {
      const query = unsafe(...parameters)
      // The driver's own BEGIN sets its connection aside once it is sent: given up, it would keep it for good. `begin` above bounds it.
      if ('onexecute' in (parameters[2] ?? {})) return query
      const then = query.then.bind(query)
      const bounded: PromiseLike<unknown>['then'] = (resolve, reject) => withinDeadline<unknown>(deadlineMs, { then }).then(resolve, reject)
      return Object.assign(query, { then: bounded })
    }
  })
}

import { setTimeout } from 'node:timers/promises'
import type { Sql, TransactionSql } from 'postgres'

type Work = (transaction: TransactionSql<{ bigint: bigint }>) => Promise<unknown>

/**
 * Makes `sql.begin` safe against a lost connection. With postgres 3.4.9, a statement sent in a transaction after its
 * connection closed (its own `rollback` included) is written to a socket that is null, later and outside of any
 * promise: the whole process would end. So after the loss nothing is sent any more: `begin` has rejected by then,
 * and what still runs inside gets an error of its own.
 */
export function guardTransactions(sql: Sql<{ bigint: bigint }>): void {
  const begin = sql.begin.bind(sql)
  Object.assign(sql, {
    begin: async (work: Work) => {
      const connection = { lost: false }
      return begin(guardWork(work, connection)).finally(() => {
        connection.lost = true
      })
    }
  })
}

/** Settling would send a rollback or a commit to a socket that is gone. */
const never = () => new Promise<never>(() => {})

function guardWork(work: Work, connection: { lost: boolean }): Work {
  return async (transaction) => {
    const unsafe = transaction.unsafe.bind(transaction)
    const savepoint = transaction.savepoint.bind(transaction)
    Object.assign(transaction, {
      unsafe: (...parameters: Parameters<typeof unsafe>) => {
        refuseIfLost(connection)
        return unsafe(...parameters)
      },
      savepoint: async (nested: Work) => {
        refuseIfLost(connection)
        return savepoint(guardWork(nested, connection))
      }
    })
    try {
      const result = await work(transaction)
      // Nor the commit: work that caught its error ends well.
      if (connection.lost) return await never()
      return result
    } catch (error) {
      // The statement's failure arrives a moment before the news that the connection is gone.
      for (let waits = 0; waits < 100 && !connection.lost && isConnectionError(error); waits++) await setTimeout(10)
      if (connection.lost) return await never()
      throw error
    }
  }
}

/** Not the server's answer, which has an SQLSTATE, but a failure on the way to it. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && /^(CONNECTION_|E[A-Z]{3})/.test(String(error.code))) || isConnectionError(error.cause)
}

function refuseIfLost(connection: { lost: boolean }): void {
  if (connection.lost) throw new Error('This transaction has ended, or lost its connection to the database')
}

import type { Sql, TransactionSql } from 'postgres'

type Transaction = TransactionSql<{ bigint: bigint }>
type Work = (transaction: Transaction) => Promise<unknown>

/** Statements with more parameters hold lists (rows, ids), so that their texts vary without end; each that is prepared stays in its backend's memory. */
const PARAMETERS_MAX = 48

/**
 * Has the statements of `sql`, in a transaction and out of it, prepared once a connection. One that is not takes two ways to the server and back: the driver
 * first asks for the types of its parameters.
 */
export function prepareStatements(sql: Sql<{ bigint: bigint }>): void {
  const begin = sql.begin.bind(sql)
  prepareUnsafe(sql)
  Object.assign(sql, { begin: (work: Work) => begin(transaction => work(prepareTransaction(transaction))) })
}

function prepareTransaction(transaction: Transaction): Transaction {
  prepareUnsafe(transaction)
  const savepoint = transaction.savepoint.bind(transaction)
  return Object.assign(transaction, { savepoint: (nested: Work) => savepoint(inner => nested(prepareTransaction(inner))) })
}

function prepareUnsafe(sql: Pick<Transaction, 'unsafe'>): void {
  const unsafe = sql.unsafe.bind(sql)
  Object.assign(sql, {
    unsafe: (...[text, parameters = [], options]: Parameters<typeof unsafe>) =>
      unsafe(text, parameters, parameters.length > 0 && parameters.length <= PARAMETERS_MAX ? { ...options, prepare: true } : options)
  })
}

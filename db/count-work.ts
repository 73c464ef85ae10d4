import type { Sql, TransactionSql } from 'postgres'

type Work = (transaction: TransactionSql<{ bigint: bigint }>) => Promise<unknown>

/**
 * Counts what is asked of `sql` and not answered yet: statements, and transactions as one each. The driver's pool does not tell.
 * @returns what reads the count
 */
export function countWork(sql: Sql<{ bigint: bigint }>): () => number {
  let underWay = 0
  const count = async <T>(work: PromiseLike<T>): Promise<T> => {
    underWay++
    try {
      return await work
    } finally {
      underWay--
    }
  }
  const unsafe = sql.unsafe.bind(sql)
  const begin = sql.begin.bind(sql)
  Object.assign(sql, {
    begin: (work: Work) => count(begin(work)),
    unsafe: (...parameters: Parameters<typeof unsafe>) => {
      const query = unsafe(...parameters)
      // The driver's own BEGIN, which is counted with its transaction.
      if ('onexecute' in (parameters[2] ?? {})) return query
      // It is sent when it is first awaited.
      const then = query.then.bind(query)
      const counted: PromiseLike<unknown>['then'] = (resolve, reject) => count<unknown>({ then }).then(resolve, reject)
      return Object.assign(query, { then: counted })
    }
  })
  return () => underWay
}

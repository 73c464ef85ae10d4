import type { Connection } from './provider'

/** What `make` makes of a connection, made once and not once a call: a connection that changes is another object. */
export function oncePerConnection<Made>(make: (connection: Connection) => Made): (connection: Connection) => Made {
  const made = new WeakMap<Connection, { value: Made }>()
  return (connection) => {
    let known = made.get(connection)
    if (!known) made.set(connection, known = { value: make(connection) })
    return known.value
  }
}

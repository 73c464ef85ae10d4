import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { memberRoles } from '../../shared/roles'

/** What a role may do on a route; `own`: only with what is its own. */
const Right = z.enum(['yes', 'own', '–'])
type Right = z.infer<typeof Right>
const Rights = z.object({ owner: Right, admin: Right, member: Right, viewer: Right })
type Rights = z.infer<typeof Rights>

/** One row of a table in `docs/roles.md`. */
export type Access
  = | { kind: 'role', rights: Rights }
    | { kind: 'platform-admin' }
    | { kind: 'scope', scope: string }
    | { kind: 'public' }

/** Whom each route lets in, by `METHOD /path`, as `docs/roles.md` tells people. */
export function readRoles(): Record<string, Access> {
  const text = readFileSync(join(import.meta.dirname, '../../docs/roles.md'), 'utf8')
  const sections = text.split(/^## /m).slice(1)
  const rows = sections.flatMap((section) => {
    const [header = [], , ...body] = section.split('\n').filter(line => line.startsWith('|')).map(cellsOf)
    return body.map(cells => toAccess(header, cells))
  })
  const routes = rows.map(([route]) => route)
  const twice = routes.filter((route, index) => routes.indexOf(route) !== index)
  if (twice.length > 0) throw new Error(`docs/roles.md names twice: ${twice.join(', ')}`)
  return Object.fromEntries(rows)
}

const cellsOf = (line: string) => line.split('|').slice(1, -1).map(cell => cell.trim().replaceAll('`', ''))

function toAccess(header: string[], cells: string[]): [string, Access] {
  const row = Object.fromEntries(header.map((name, index) => [name, cells[index] ?? '']))
  const route = row.route ?? ''
  if (header.includes(memberRoles[0])) return [route, { kind: 'role', rights: Rights.parse(row) }]
  if (header.includes('scope')) return [route, { kind: 'scope', scope: row.scope ?? '' }]
  return [route, { kind: header.includes('guarded by') ? 'public' : 'platform-admin' }]
}

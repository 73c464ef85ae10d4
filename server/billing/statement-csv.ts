import type { Statement, StatementLine } from '../../shared/billing'
import { toUsdDecimal } from '../../shared/money'

const HEADER = ['section', 'item', 'name', 'calls', 'input_tokens', 'output_tokens', 'charged_usd', 'topped_up_usd', 'refunded_usd', 'adjusted_usd', 'balance_usd']

/** A statement as a table (RFC 4180): a section a way of grouping, between the opening and the closing balance. */
export function toStatementCsv(statement: Statement): string {
  const usd = (nanoUsd: string) => toUsdDecimal(BigInt(nanoUsd))
  const row = (section: string, item: string | null, name: string | null, line: StatementLine) => [
    section, textCell(item ?? ''), textCell(name ?? ''), line.calls, line.inputTokens, line.outputTokens,
    usd(line.chargedNanoUsd), usd(line.toppedUpNanoUsd), usd(line.refundedNanoUsd), usd(line.adjustedNanoUsd), ''
  ]
  const balance = (section: string, moment: string, nanoUsd: string) => [section, textCell(moment), '', '', '', '', '', '', '', '', usd(nanoUsd)]
  const rows = [
    HEADER,
    balance('opening_balance', statement.from, statement.openingBalanceNanoUsd),
    ...statement.byDay.map(line => row('day', line.day, null, line)),
    ...statement.byModel.map(line => row('model', line.model, line.provider, line)),
    ...statement.byKey.map(line => row('key', line.apiKeyId, line.name, line)),
    ...statement.byProject.map(line => row('project', line.projectId, line.name, line)),
    row('total', statement.month, statement.timeZone, statement.totals),
    balance('closing_balance', statement.to, statement.closingBalanceNanoUsd)
  ]
  return rows.map(cells => `${cells.join(',')}\r\n`).join('')
}

/**
 * Text that people chose, such as a key's name, quoted; and never a formula to the spreadsheet that opens it.
 * Source: OWASP, "CSV Injection".
 */
export function textCell(text: string): string {
  const harmless = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text
  return harmless === '' ? '' : `"${harmless.replaceAll('"', '""')}"`
}

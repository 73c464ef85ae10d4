import type { Statement, StatementLine, Transaction, TransactionPage, Wallet } from '../../shared/billing'
import { toUsdDecimal } from '../../shared/money'
import type { WireStatement, WireStatementLine, WireTransaction, WireTransactionPage, WireWallet } from '../../shared/wire'

/** Wallet, ledger and statements as `/v1` writes them: snake_case like the rest of that API, money as exact decimals in USD. */

export function toWireWallet({ mode, balanceNanoUsd, heldNanoUsd }: Wallet): WireWallet {
  return {
    object: 'wallet',
    mode,
    balance_usd: usd(balanceNanoUsd),
    held_usd: usd(heldNanoUsd),
    available_usd: mode === 'unlimited' ? null : toUsdDecimal(BigInt(balanceNanoUsd) - BigInt(heldNanoUsd))
  }
}

export function toWireTransactionPage({ items, nextCursor }: TransactionPage): WireTransactionPage {
  return { object: 'list', data: items.map(toWireTransaction), next_cursor: nextCursor, has_more: nextCursor !== null }
}

export function toWireStatement(statement: Statement): WireStatement {
  return {
    object: 'statement',
    month: statement.month,
    time_zone: statement.timeZone,
    from: statement.from,
    to: statement.to,
    final: statement.final,
    opening_balance_usd: usd(statement.openingBalanceNanoUsd),
    closing_balance_usd: usd(statement.closingBalanceNanoUsd),
    totals: toWireLine(statement.totals),
    by_day: statement.byDay.map(({ day, ...line }) => ({ day, ...toWireLine(line) })),
    by_model: statement.byModel.map(({ provider, model, ...line }) => ({ provider, model, ...toWireLine(line) })),
    by_key: statement.byKey.map(({ apiKeyId, name, ...line }) => ({ api_key_id: apiKeyId, name, ...toWireLine(line) })),
    by_project: statement.byProject.map(({ projectId, name, ...line }) => ({ project_id: projectId, name, ...toWireLine(line) }))
  }
}

function toWireTransaction(row: Transaction): WireTransaction {
  return {
    id: row.id,
    object: 'transaction',
    ref_id: row.refId,
    type: row.type,
    status: row.status,
    amount_usd: usd(row.amountNanoUsd),
    held_usd: usd(row.heldNanoUsd),
    captured_usd: usd(row.capturedNanoUsd),
    refunded_usd: usd(row.refundedNanoUsd),
    balance_after_usd: row.balanceAfterNanoUsd === null ? null : usd(row.balanceAfterNanoUsd),
    charge_id: row.chargeId,
    api_key_id: row.apiKeyId,
    description: row.description,
    created_at: row.createdAt,
    settled_at: row.settledAt
  }
}

function toWireLine(line: StatementLine): WireStatementLine {
  return {
    calls: line.calls,
    input_tokens: line.inputTokens,
    output_tokens: line.outputTokens,
    charged_usd: usd(line.chargedNanoUsd),
    topped_up_usd: usd(line.toppedUpNanoUsd),
    refunded_usd: usd(line.refundedNanoUsd),
    adjusted_usd: usd(line.adjustedNanoUsd)
  }
}

function usd(nanoUsd: string): string {
  return toUsdDecimal(BigInt(nanoUsd))
}

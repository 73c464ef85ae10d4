/** SQL: what is drawn on the leases that count in a row of `budget_windows`, nano-USD. It is spent, though the row holds it until its lease goes. */
export const DRAWN_ON_LEASES = '(select coalesce(sum(l.drawn), 0)::bigint from wallet_leases l where budget_windows.id = any(l.budget_windows))'

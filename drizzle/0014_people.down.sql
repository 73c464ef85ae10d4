DROP TRIGGER "transactions_keep" ON "transactions";--> statement-breakpoint
CREATE TRIGGER "transactions_keep" BEFORE DELETE ON "transactions" FOR EACH ROW
EXECUTE FUNCTION "refuse_change"('the ledger keeps every row; correct it with a new one');--> statement-breakpoint
DROP TRIGGER "audit_logs_keep" ON "audit_logs";--> statement-breakpoint
DROP TRIGGER "audit_logs_append_only" ON "audit_logs";--> statement-breakpoint
CREATE TRIGGER "audit_logs_append_only" BEFORE UPDATE OR DELETE ON "audit_logs" FOR EACH ROW
EXECUTE FUNCTION "refuse_change"('the audit log is append-only');--> statement-breakpoint
DROP INDEX "audit_logs_org_actor_idx";--> statement-breakpoint
DROP INDEX "audit_logs_org_action_idx";--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "deactivated_at", DROP COLUMN "two_factor_enabled";--> statement-breakpoint
DROP TABLE "two_factors";--> statement-breakpoint
DROP TABLE "attempt_counts";--> statement-breakpoint
DROP TABLE "audit_heads";

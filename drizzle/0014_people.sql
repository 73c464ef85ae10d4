CREATE TABLE "audit_heads" (
	"org_id" uuid PRIMARY KEY NOT NULL,
	"sequence" bigint NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attempt_counts" (
	"name" text PRIMARY KEY NOT NULL,
	"count" integer NOT NULL,
	"ends_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "two_factors" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"secret" text NOT NULL,
	"backup_codes" text NOT NULL,
	"verified" boolean DEFAULT true NOT NULL,
	"failed_verification_count" integer DEFAULT 0 NOT NULL,
	"locked_until" timestamp with time zone,
	CONSTRAINT "two_factors_user_id_unique" UNIQUE("user_id")
);
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "two_factor_enabled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "deactivated_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "audit_heads" ADD CONSTRAINT "audit_heads_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "two_factors" ADD CONSTRAINT "two_factors_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attempt_counts_ends_idx" ON "attempt_counts" USING btree ("ends_at");--> statement-breakpoint
CREATE INDEX "audit_logs_org_action_idx" ON "audit_logs" USING btree ("org_id","action","sequence");--> statement-breakpoint
CREATE INDEX "audit_logs_org_actor_idx" ON "audit_logs" USING btree ("org_id","actor","sequence");--> statement-breakpoint
-- The end of every chain there is.
INSERT INTO "audit_heads" ("org_id", "sequence", "hash") SELECT DISTINCT ON ("org_id") "org_id", "sequence", "hash" FROM "audit_logs" ORDER BY "org_id", "sequence" DESC;--> statement-breakpoint
-- Purging an org takes its log and ledger along: in a transaction that names the org, and nowhere else.
DROP TRIGGER "audit_logs_append_only" ON "audit_logs";--> statement-breakpoint
CREATE TRIGGER "audit_logs_append_only" BEFORE UPDATE ON "audit_logs" FOR EACH ROW
EXECUTE FUNCTION "refuse_change"('the audit log is append-only');--> statement-breakpoint
CREATE TRIGGER "audit_logs_keep" BEFORE DELETE ON "audit_logs" FOR EACH ROW
WHEN (current_setting('loom.purging', true) IS DISTINCT FROM OLD."org_id"::text)
EXECUTE FUNCTION "refuse_change"('the audit log is append-only');--> statement-breakpoint
DROP TRIGGER "transactions_keep" ON "transactions";--> statement-breakpoint
CREATE TRIGGER "transactions_keep" BEFORE DELETE ON "transactions" FOR EACH ROW
WHEN (current_setting('loom.purging', true) IS DISTINCT FROM OLD."org_id"::text)
EXECUTE FUNCTION "refuse_change"('the ledger keeps every row; correct it with a new one');

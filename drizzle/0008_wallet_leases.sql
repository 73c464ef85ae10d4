CREATE TABLE "wallet_leases" (
	"id" uuid PRIMARY KEY NOT NULL,
	"org_id" uuid NOT NULL,
	"replica" uuid NOT NULL,
	"amount" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "wallet_leases_amount_check" CHECK ("wallet_leases"."amount" >= 0)
);
--> statement-breakpoint
ALTER TABLE "wallet_leases" ADD CONSTRAINT "wallet_leases_org_id_wallets_org_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."wallets"("org_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "wallet_leases_org_idx" ON "wallet_leases" USING btree ("org_id");--> statement-breakpoint
-- Rewritten with every batch of captures: room for the new version beside the old one keeps it out of the indexes.
ALTER TABLE "wallet_leases" SET (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
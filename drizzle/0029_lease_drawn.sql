ALTER TABLE "wallet_leases" DROP CONSTRAINT "wallet_leases_amount_check";--> statement-breakpoint
ALTER TABLE "wallet_leases" ADD COLUMN "drawn" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "wallet_leases" ADD CONSTRAINT "wallet_leases_amount_check" CHECK ("wallet_leases"."amount" >= 0 and "wallet_leases"."drawn" >= 0);
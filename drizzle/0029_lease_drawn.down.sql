UPDATE "budget_windows" b SET "spent" = b."spent" + l."drawn", "held" = b."held" - l."drawn" FROM (SELECT w."id", sum("drawn") AS "drawn" FROM "wallet_leases" CROSS JOIN LATERAL unnest("budget_windows") AS w("id") GROUP BY w."id") l WHERE b."id" = l."id";--> statement-breakpoint
ALTER TABLE "wallet_leases" DROP CONSTRAINT "wallet_leases_amount_check";--> statement-breakpoint
ALTER TABLE "wallet_leases" DROP COLUMN "drawn";--> statement-breakpoint
ALTER TABLE "wallet_leases" ADD CONSTRAINT "wallet_leases_amount_check" CHECK ("wallet_leases"."amount" >= 0);

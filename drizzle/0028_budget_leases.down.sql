UPDATE "budget_windows" b SET "held" = b."held" - l."amount" FROM (SELECT w."id", sum("amount") AS "amount" FROM "wallet_leases" CROSS JOIN LATERAL unnest("budget_windows") AS w("id") GROUP BY w."id") l WHERE b."id" = l."id";--> statement-breakpoint
UPDATE "wallets" w SET "held" = w."held" - l."amount" FROM (SELECT "org_id", sum("amount") AS "amount" FROM "wallet_leases" WHERE "budget_windows" IS NOT NULL GROUP BY "org_id") l WHERE w."org_id" = l."org_id";--> statement-breakpoint
DELETE FROM "wallet_leases" WHERE "budget_windows" IS NOT NULL;--> statement-breakpoint
ALTER TABLE "wallet_leases" DROP COLUMN "budget_windows";

-- What leases set aside goes back to the wallets.
UPDATE "wallets" w SET "held" = w."held" - l."amount" FROM (SELECT "org_id", sum("amount")::bigint AS "amount" FROM "wallet_leases" GROUP BY "org_id") l WHERE l."org_id" = w."org_id";--> statement-breakpoint
DROP TABLE "wallet_leases";

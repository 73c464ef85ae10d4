ALTER TABLE "api_keys" DROP COLUMN "cache_ttl_seconds";--> statement-breakpoint
ALTER TABLE "wallets" DROP COLUMN "cache_hit_basis_points";

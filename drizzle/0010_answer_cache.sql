ALTER TABLE "wallets" ADD COLUMN "cache_hit_basis_points" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "cache_ttl_seconds" integer;--> statement-breakpoint
ALTER TABLE "wallets" ADD CONSTRAINT "wallets_cache_hit_check" CHECK ("wallets"."cache_hit_basis_points" between 0 and 10000);--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_cache_check" CHECK ("api_keys"."cache_ttl_seconds" > 0);
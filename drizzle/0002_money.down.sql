DROP TRIGGER "traces_append_only" ON "traces";--> statement-breakpoint
CREATE TRIGGER "traces_append_only" BEFORE UPDATE ON "traces" FOR EACH ROW
EXECUTE FUNCTION "refuse_change"('a trace is written once');--> statement-breakpoint
DROP FUNCTION "keep_trace"();--> statement-breakpoint
ALTER TABLE "api_keys" DROP CONSTRAINT "api_keys_previous_check";--> statement-breakpoint
ALTER TABLE "model_prices" DROP CONSTRAINT "model_prices_positive_check";--> statement-breakpoint
ALTER TABLE "transactions" DROP CONSTRAINT "transactions_refund_check";--> statement-breakpoint
DROP INDEX "transactions_charge_idx";--> statement-breakpoint
ALTER TABLE "api_keys" DROP COLUMN "previous_key_hash", DROP COLUMN "previous_expires_at", DROP COLUMN "previous_last_used_at", DROP COLUMN "rotated_at", DROP COLUMN "is_service";--> statement-breakpoint
ALTER TABLE "orgs" DROP COLUMN "encryption_key_version";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "long_cache_write_price";--> statement-breakpoint
ALTER TABLE "wallets" DROP COLUMN "markup_basis_points";--> statement-breakpoint
ALTER TABLE "model_prices" ADD CONSTRAINT "model_prices_positive_check" CHECK ("model_prices"."input_price" >= 0 and "model_prices"."output_price" >= 0 and coalesce("model_prices"."cached_input_price", 0) >= 0 and coalesce("model_prices"."cache_write_price", 0) >= 0);

ALTER TABLE "model_prices" ADD COLUMN "audio_hour_price" bigint;--> statement-breakpoint
ALTER TABLE "model_prices" ADD COLUMN "million_characters_price" bigint;--> statement-breakpoint
ALTER TABLE "model_prices" ADD COLUMN "thousand_searches_price" bigint;--> statement-breakpoint
ALTER TABLE "model_prices" ADD COLUMN "picture_prices" jsonb;--> statement-breakpoint
ALTER TABLE "model_prices" ADD CONSTRAINT "model_prices_positive_units_check" CHECK (coalesce("model_prices"."audio_hour_price", 0) >= 0 and coalesce("model_prices"."million_characters_price", 0) >= 0 and coalesce("model_prices"."thousand_searches_price", 0) >= 0);
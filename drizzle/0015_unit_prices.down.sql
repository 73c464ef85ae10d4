ALTER TABLE "model_prices" DROP CONSTRAINT "model_prices_positive_units_check";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "picture_prices";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "thousand_searches_price";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "million_characters_price";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "audio_hour_price";

ALTER TABLE "model_prices" DROP CONSTRAINT "model_prices_positive_sound_check";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "audio_output_price";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "cached_audio_input_price";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "audio_input_price";

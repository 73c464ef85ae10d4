ALTER TABLE "model_prices" ADD COLUMN "audio_input_price" bigint;--> statement-breakpoint
ALTER TABLE "model_prices" ADD COLUMN "cached_audio_input_price" bigint;--> statement-breakpoint
ALTER TABLE "model_prices" ADD COLUMN "audio_output_price" bigint;--> statement-breakpoint
ALTER TABLE "model_prices" ADD CONSTRAINT "model_prices_positive_sound_check" CHECK (coalesce("model_prices"."audio_input_price", 0) >= 0 and coalesce("model_prices"."cached_audio_input_price", 0) >= 0 and coalesce("model_prices"."audio_output_price", 0) >= 0);
DELETE FROM "model_prices" WHERE "provider_kind" = 'google';--> statement-breakpoint
DELETE FROM "provider_connections" WHERE "kind" = 'google';--> statement-breakpoint
ALTER TABLE "model_prices" DROP CONSTRAINT "model_prices_kind_check";--> statement-breakpoint
ALTER TABLE "provider_connections" DROP CONSTRAINT "provider_connections_kind_check";--> statement-breakpoint
ALTER TABLE "model_prices" ADD CONSTRAINT "model_prices_kind_check" CHECK ("model_prices"."provider_kind" in ('openai', 'azure', 'anthropic', 'openai-compatible', 'demo'));--> statement-breakpoint
ALTER TABLE "provider_connections" ADD CONSTRAINT "provider_connections_kind_check" CHECK ("provider_connections"."kind" in ('openai', 'azure', 'anthropic', 'openai-compatible', 'demo'));

-- What was set for one connection would count for every one of its kind.
DELETE FROM "model_prices" WHERE "connection_id" IS NOT NULL;--> statement-breakpoint
DROP INDEX "model_prices_connection_idx";--> statement-breakpoint
ALTER TABLE "model_prices" DROP CONSTRAINT "model_prices_connection_id_provider_connections_id_fk";--> statement-breakpoint
ALTER TABLE "model_prices" DROP COLUMN "connection_id";

ALTER TABLE "model_routes" DROP COLUMN "strategy";--> statement-breakpoint
ALTER TABLE "model_route_targets" DROP COLUMN "timeout_ms", DROP COLUMN "retries";

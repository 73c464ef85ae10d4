ALTER TABLE "model_route_targets" ADD COLUMN "timeout_ms" integer;--> statement-breakpoint
ALTER TABLE "model_route_targets" ADD COLUMN "retries" integer;--> statement-breakpoint
ALTER TABLE "model_routes" ADD COLUMN "strategy" text DEFAULT 'weighted' NOT NULL;--> statement-breakpoint
ALTER TABLE "model_routes" ADD CONSTRAINT "model_routes_strategy_check" CHECK ("model_routes"."strategy" in ('ordered', 'weighted', 'least-latency', 'least-cost'));
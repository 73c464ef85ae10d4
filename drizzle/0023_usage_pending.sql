CREATE TABLE "usage_pending" (
	"org_id" uuid NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"project_id" uuid,
	"api_key_id" uuid,
	"user_id" uuid,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost" bigint NOT NULL,
	"latency_ms" integer NOT NULL,
	"ttfb_ms" integer,
	"gateway_overhead_ms" real NOT NULL,
	"status_code" integer NOT NULL,
	"charged" boolean NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"cache" text NOT NULL
);
--> statement-breakpoint
-- Emptied every few seconds: cleaned whenever autovacuum looks, so that it stays small. It keeps its pages, for giving them back would lock captures out.
ALTER TABLE "usage_pending" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, vacuum_truncate = false);

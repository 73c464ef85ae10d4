ALTER TABLE "traces" DROP CONSTRAINT "traces_pkey";--> statement-breakpoint
ALTER TABLE "traces" ADD CONSTRAINT "traces_pkey" PRIMARY KEY("created_at","id");--> statement-breakpoint
DROP INDEX "traces_key_idx", "traces_project_idx", "traces_user_idx", "traces_conversation_idx", "traces_provider_idx", "traces_failed_idx", "traces_slow_idx", "traces_dear_idx", "traces_tags_idx";--> statement-breakpoint
DROP TABLE "saved_views", "usage_hourly";--> statement-breakpoint
CREATE TABLE "usage_hourly" (
	"org_id" uuid NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"project_id" uuid NOT NULL,
	"api_key_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL,
	"errors" bigint DEFAULT 0 NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"cached_input_tokens" bigint DEFAULT 0 NOT NULL,
	"reasoning_tokens" bigint DEFAULT 0 NOT NULL,
	"cost" bigint DEFAULT 0 NOT NULL,
	"latency_ms" bigint DEFAULT 0 NOT NULL,
	"latency_histogram" integer[] NOT NULL,
	CONSTRAINT "usage_hourly_pkey" PRIMARY KEY("org_id","hour","project_id","api_key_id","user_id","provider","model"),
	CONSTRAINT "usage_hourly_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE restrict ON UPDATE no action
);

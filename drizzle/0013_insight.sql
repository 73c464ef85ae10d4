CREATE TABLE "saved_views" (
	"id" uuid PRIMARY KEY NOT NULL,
	"org_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"query" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
-- Nothing wrote it before: `npm run usage:rebuild` fills it from what was recorded so far.
DROP TABLE "usage_hourly";
--> statement-breakpoint
CREATE TABLE "usage_hourly" (
	"org_id" uuid NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"project_id" uuid NOT NULL,
	"api_key_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"status_code" integer NOT NULL,
	"slot" smallint NOT NULL,
	"requests" bigint NOT NULL,
	"charges" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost" bigint NOT NULL,
	"latency_ms" bigint NOT NULL,
	"ttfb_ms" bigint NOT NULL,
	"overhead_us" bigint NOT NULL,
	"latency_histogram" numeric NOT NULL,
	"ttfb_histogram" numeric NOT NULL,
	"overhead_histogram" numeric NOT NULL,
	CONSTRAINT "usage_hourly_pkey" PRIMARY KEY("org_id","hour","project_id","api_key_id","user_id","provider","model","status_code","slot"),
	CONSTRAINT "usage_hourly_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE restrict ON UPDATE no action
);
--> statement-breakpoint
-- Rewritten with every batch of captures: room for the new version beside the old one keeps it out of the index.
ALTER TABLE "usage_hourly" SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
ALTER TABLE "saved_views" ADD CONSTRAINT "saved_views_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "saved_views" ADD CONSTRAINT "saved_views_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "saved_views_user_name_key" ON "saved_views" USING btree ("org_id","user_id","name");--> statement-breakpoint
CREATE INDEX "traces_key_idx" ON "traces" USING btree ("api_key_id","created_at") WHERE api_key_id is not null;--> statement-breakpoint
CREATE INDEX "traces_project_idx" ON "traces" USING btree ("project_id","created_at") WHERE project_id is not null;--> statement-breakpoint
CREATE INDEX "traces_user_idx" ON "traces" USING btree ("org_id","user_id","created_at") WHERE user_id is not null;--> statement-breakpoint
CREATE INDEX "traces_conversation_idx" ON "traces" USING btree ("conversation_id","created_at") WHERE conversation_id is not null;--> statement-breakpoint
CREATE INDEX "traces_provider_idx" ON "traces" USING btree ("org_id","provider","created_at");--> statement-breakpoint
CREATE INDEX "traces_failed_idx" ON "traces" USING btree ("org_id","created_at") WHERE status_code >= 400;--> statement-breakpoint
CREATE INDEX "traces_slow_idx" ON "traces" USING btree ("org_id","created_at") WHERE latency_ms >= 10000;--> statement-breakpoint
CREATE INDEX "traces_dear_idx" ON "traces" USING btree ("org_id","created_at") WHERE cost >= 100000000;--> statement-breakpoint
CREATE INDEX "traces_tags_idx" ON "traces" USING gin ("tags" jsonb_path_ops) WHERE tags <> '{}'::jsonb;--> statement-breakpoint
ALTER TABLE "traces" DROP CONSTRAINT "traces_pkey";
--> statement-breakpoint
ALTER TABLE "traces" ADD CONSTRAINT "traces_pkey" PRIMARY KEY("id","created_at");

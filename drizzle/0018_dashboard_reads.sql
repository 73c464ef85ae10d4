CREATE TABLE "usage_hourly_totals" (
	"org_id" uuid NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"slot" smallint NOT NULL,
	"failed" bigint NOT NULL,
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
	CONSTRAINT "usage_hourly_totals_pkey" PRIMARY KEY("org_id","hour","slot")
);
--> statement-breakpoint
DROP INDEX "traces_failed_idx";--> statement-breakpoint
ALTER TABLE "usage_hourly_totals" ADD CONSTRAINT "usage_hourly_totals_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "traces_failed_idx" ON "traces" USING btree ("org_id","created_at","status_code") WHERE status_code >= 400;
--> statement-breakpoint
-- Rewritten with every batch of captures, as usage_hourly is.
ALTER TABLE "usage_hourly_totals" SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
INSERT INTO "usage_hourly_totals"
SELECT org_id, hour, 0, coalesce(sum(requests) FILTER (WHERE status_code >= 400), 0), sum(requests), sum(charges), sum(cache_hits), sum(input_tokens), sum(output_tokens), sum(cached_input_tokens),
  sum(reasoning_tokens), sum(cost), sum(latency_ms), sum(ttfb_ms), sum(overhead_us), sum(latency_histogram), sum(ttfb_histogram), sum(overhead_histogram)
FROM "usage_hourly" GROUP BY org_id, hour;

DROP TABLE "usage_hourly_totals";--> statement-breakpoint
DROP INDEX "traces_failed_idx";--> statement-breakpoint
CREATE INDEX "traces_failed_idx" ON "traces" USING btree ("org_id","created_at") WHERE status_code >= 400;

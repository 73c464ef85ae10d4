DROP TABLE "alert_deliveries";--> statement-breakpoint
DROP TABLE "alert_events";--> statement-breakpoint
DROP TABLE "alert_rules";--> statement-breakpoint
DROP TABLE "alert_webhooks";

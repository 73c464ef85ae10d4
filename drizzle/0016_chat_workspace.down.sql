DROP TABLE "project_members";--> statement-breakpoint
DROP TABLE "message_feedback";--> statement-breakpoint
ALTER TABLE "projects" DROP COLUMN "deleted_at";--> statement-breakpoint
ALTER TABLE "projects" DROP COLUMN "access";--> statement-breakpoint
ALTER TABLE "projects" DROP COLUMN "parameters";--> statement-breakpoint
ALTER TABLE "conversations" DROP COLUMN "parameters";--> statement-breakpoint
ALTER TABLE "conversations" DROP COLUMN "system_prompt";

ALTER TABLE "conversations" DROP COLUMN "shown_message_id";--> statement-breakpoint
DROP INDEX "messages_root_idx";--> statement-breakpoint
DROP INDEX "messages_parent_idx";--> statement-breakpoint
CREATE INDEX "messages_parent_idx" ON "messages" USING btree ("parent_id");

DROP INDEX "messages_parent_idx";--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "shown_message_id" uuid;--> statement-breakpoint
UPDATE "conversations" SET "shown_message_id" = (SELECT "id" FROM "messages" WHERE "messages"."conversation_id" = "conversations"."id" ORDER BY "id" DESC LIMIT 1);--> statement-breakpoint
CREATE INDEX "messages_root_idx" ON "messages" USING btree ("conversation_id","id") WHERE parent_id is null;--> statement-breakpoint
CREATE INDEX "messages_parent_idx" ON "messages" USING btree ("parent_id","id");
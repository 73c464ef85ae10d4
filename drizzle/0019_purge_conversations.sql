ALTER TABLE "messages" ADD COLUMN "context_tokens" bigint;--> statement-breakpoint
CREATE INDEX "artifacts_storage_idx" ON "artifacts" USING btree ("storage_key");--> statement-breakpoint
CREATE INDEX "conversations_deleted_idx" ON "conversations" USING btree ("deleted_at") WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX "message_parts_file_idx" ON "message_parts" USING btree ((content ->> 'fileId')) WHERE type in ('image', 'file');
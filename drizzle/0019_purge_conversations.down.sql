DROP INDEX "message_parts_file_idx";--> statement-breakpoint
DROP INDEX "conversations_deleted_idx";--> statement-breakpoint
DROP INDEX "artifacts_storage_idx";--> statement-breakpoint
ALTER TABLE "messages" DROP COLUMN "context_tokens";
